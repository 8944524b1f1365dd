"""An adder graph with registers: inputs in, their weighted sums out some cycles later."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.bounds import Interval
from ..design.adder_graph import Adder, AdderGraph, value_bits


class GraphAdders(wiring.Component):
    """The outputs of ``graph``, its ``latency`` enabled cycles after its inputs.

    New inputs may come in every cycle. What is turned in the graph's description leaves unturned:
    whoever adds it up subtracts it.

    Args:
        graph: what is added.

    Members:
        enable: in; everything moves on.
        inputs: in; the inputs, one after another, each as wide as its bounds need.
        output_0 ...: out; of the graph's outputs those that are not zero.
    """

    enable: Signal
    inputs: Signal

    def __init__(self, graph: AdderGraph):
        self.graph = graph
        self.input_shapes = [value_shape(bounds) for bounds in graph.inputs]
        members = {
            "enable": In(1),
            "inputs": In(sum(shape.width for shape in self.input_shapes)),
        }
        for index, output in enumerate(graph.outputs):
            if output is not None:
                members[f"output_{index}"] = Out(value_shape(graph.output_bounds(output)))
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        graph = self.graph
        self._values: dict[tuple[int, int], Value] = {}
        first = 0
        for node, shape in enumerate(self.input_shapes):
            bits = self.inputs[first : first + shape.width]
            self._values[node, 0] = bits.as_signed() if shape.signed else bits
            first += shape.width
        for node, adder in enumerate(graph.adders, len(graph.inputs)):
            stage = graph.stage(node)
            total = Signal(value_shape(graph.bounds[node]), name=f"sum_{node}")
            left, right = (self._at(m, n, stage) for n in (adder.left, adder.right))
            m.d.comb += total.eq(_sum(adder, left, right))
            self._values[node, stage] = total
        for index, output in enumerate(graph.outputs):
            if output is not None:
                value = self._at(m, output.node, graph.latency)
                m.d.comb += getattr(self, f"output_{index}").eq(value << output.shift)
        return m

    def _at(self, m: Module, node: int, stage: int) -> Value:
        """The value of ``node`` behind so many registers."""
        known = self._values.get((node, stage))
        if known is None:
            before = self._at(m, node, stage - 1)
            known = Signal(
                value_shape(self.graph.bounds[node]), name=f"held_{node}_{stage}", reset_less=True
            )
            with m.If(self.enable):
                m.d.sync += known.eq(before)
            self._values[node, stage] = known
        return known


def value_shape(bounds: Interval) -> Shape:
    """Shape of a value; without a sign where it is never negative."""
    bits = value_bits(bounds)
    return unsigned(bits) if bounds.low >= 0 else signed(bits)


def _sum(adder: Adder, left: Value, right: Value) -> Value:
    """What an adder gives; bits below one of its terms pass by it."""
    if adder.subtracts and adder.left_shift:
        return (left << adder.left_shift) - right
    if adder.left_shift:
        left, right = right, left
    below = adder.left_shift + adder.right_shift
    if not below:
        return left - right if adder.subtracts else left + right
    upper = left >> below
    upper = upper - right if adder.subtracts else upper + right
    low = left[:below]
    if len(low) < below:
        missing = below - len(low)
        sign = left[-1] if left.shape().signed else Const(0, 1)
        low = Cat(low, sign.replicate(missing))
    return Cat(low, upper).as_signed()
