"""Max pooling of sums that come position by position, each at all its steps."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Shape
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import index_shape
from ..basics.widths import memory_depth
from ..design.payloads import CurrentLayout, SumLayout, UnitLayout, vector


class PositionPool(wiring.Component):
    """The maximum over the positions of each pooled output, at each of its steps.

    ``CurrentPool`` goes from step to step and takes all positions of one. Here a position's steps
    come one after another, as a graph lane gives them, a sum in each cycle; the greatest sum of
    each step waits. The register of what is given out is another than that of the maximum, so a
    pooled output is begun while the one before waits.

    Args:
        neurons: P.
        positions: of a pooled output.
        steps: most sums of a position.
        sum_shape: shape of a sum.

    Members:
        sums: in, stream of ``SumLayout``.
        pooled: out, stream of ``CurrentLayout``; step by step.
    """

    sums: stream.Interface
    pooled: stream.Interface

    def __init__(self, *, neurons: int, positions: int, steps: int, sum_shape: Shape):
        check_range("PositionPool", "neurons (P)", neurons, 1, None)
        check_range("PositionPool", "positions", positions, 1, None)
        check_range("PositionPool", "steps", steps, 1, None)
        self.neurons = neurons
        self.positions = positions
        self.steps = steps
        self.pooled_shape = sum_shape
        self.sum_layout = SumLayout(sum_shape, neurons, UnitLayout(positions, 1))
        super().__init__(
            {
                "sums": In(stream.Signature(self.sum_layout)),
                "pooled": Out(stream.Signature(CurrentLayout(sum_shape, neurons, 1))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        sums, unit = self.sums.payload.sums, self.sums.payload.unit
        held = Signal(self.pooled.payload.shape(), reset_less=True)
        taken = Signal()
        leaves = Signal()
        m.d.comb += [
            self.pooled.payload.eq(held),
            # What is taken of it does not reach the lane.
            self.sums.ready.eq(~(unit.last_position & self.pooled.valid)),
            taken.eq(self.sums.valid & self.sums.ready),
            leaves.eq(taken & unit.last_position),
        ]
        with m.If(leaves):
            m.d.sync += [
                self.pooled.valid.eq(1),
                held.first_step.eq(unit.first_step),
                held.last_step.eq(unit.last_step),
            ]
        with m.Elif(self.pooled.ready):
            m.d.sync += self.pooled.valid.eq(0)
        greatest = self._greatest(m, taken) if self.positions > 1 else None
        for neuron in range(self.neurons):
            value = sums[neuron]
            if greatest is not None:
                known = greatest.before[neuron]
                # The sign of a difference: a comparison costs tools a test for equality as well.
                rest = Signal(signed(len(known) + 1), name=f"rest_{neuron}")
                m.d.comb += rest.eq(known - value)
                value = Mux(unit.first_position | rest[-1], value, known)
                m.d.comb += greatest.after[neuron].eq(value)
            with m.If(leaves):
                m.d.sync += held.currents[neuron].eq(value)
        return m

    def _greatest(self, m: Module, taken: Signal) -> _Greatest:
        """The greatest sums of this step before and after this one."""
        layout = vector(self.pooled_shape, self.neurons)
        after = Signal(layout)
        if self.steps == 1:
            before = Signal(layout, reset_less=True)
            with m.If(taken):
                m.d.sync += before.eq(after)
            return _Greatest(before, after)
        depth = memory_depth(self.steps)
        m.submodules.greatest = storage = memory.Memory(shape=layout, depth=depth, init=[])
        read, write = storage.read_port(domain="comb"), storage.write_port()
        step = Signal(index_shape(depth))
        with m.If(taken):
            m.d.sync += step.eq(Mux(self.sums.payload.unit.last_step, 0, step + 1))
        m.d.comb += [
            read.addr.eq(step),
            write.addr.eq(step),
            write.data.eq(after),
            write.en.eq(taken),
        ]
        return _Greatest(read.data, after)


class _Greatest(NamedTuple):
    """The greatest sums of a step, before and after the one that comes."""

    before: data.View
    after: data.View
