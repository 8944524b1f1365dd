"""Graph lane: whole windows in, a plane in each cycle, through an adder graph to sums."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.add_or_subtract import add_or_subtract
from ..design.adder_graph import AdderGraph
from ..design.payloads import SumLayout, UnitLayout, WindowLayout
from ..design.sliding import SlidingGeometry
from ..design.sum_rule import SumRule
from .graph_adders import GraphAdders


class GraphLane(wiring.Component):
    """A plane of a window in each cycle, added by constants that share terms.

    The sums of planes are added up as ``rule`` says. Everything waits while a sum is not taken.

    Args:
        sliding: of the windows.
        graph: the weights; its inputs are the window's taps, each channel of one after another.
        rule: how the sums of planes are added up, and which are given out.
        sum_shape: shape of a sum.

    Members:
        windows: in, stream of ``WindowLayout``.
        sums: out, stream of ``SumLayout``; a sum for each channel.
        accumulating: out; a plane of a window is taken.
    """

    windows: stream.Interface
    sums: stream.Interface
    accumulating: Signal

    def __init__(
        self, sliding: SlidingGeometry, graph: AdderGraph, rule: SumRule, sum_shape: Shape
    ):
        self.sliding = sliding
        self.rule = rule
        self.adders = GraphAdders(graph)
        self.sum_shape = sum_shape
        positions = len(sliding.geometry.positions)
        super().__init__(
            {
                "windows": In(stream.Signature(WindowLayout(sliding))),
                "sums": Out(
                    stream.Signature(
                        SumLayout(sum_shape, len(graph.outputs), UnitLayout(positions, 1))
                    )
                ),
                "accumulating": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.adders = adders = self.adders
        window, rule = self.windows.payload, self.rule
        moves = Signal()
        m.d.comb += [
            moves.eq(~self.sums.valid | self.sums.ready),
            self.windows.ready.eq(moves),
            self.accumulating.eq(self.windows.valid & moves),
            adders.enable.eq(moves),
            adders.inputs.eq(self._inputs(window.bits)),
        ]
        valid, marks = self.windows.valid, window.marks
        for stage in range(adders.graph.latency):
            later_valid = Signal(name=f"valid_{stage}")
            later = Signal.like(marks, name=f"marks_{stage}", reset_less=True)
            with m.If(moves):
                m.d.sync += [later_valid.eq(valid), later.eq(marks)]
            valid, marks = later_valid, later
        held = Signal(self.sums.payload.shape(), reset_less=True)
        m.d.comb += self.sums.payload.eq(held)
        unit = held.unit
        whole = rule.whole_trains
        with m.If(moves):
            m.d.sync += [
                self.sums.valid.eq(valid & (marks.last_plane if whole else marks.second)),
                unit.first_position.eq(marks.first_position),
                unit.last_position.eq(marks.last_position),
                unit.first_step.eq(1 if whole else marks.first_step),
                unit.last_step.eq(1 if whole else marks.last_step),
            ]
        begins = marks.first_plane
        if not rule.accumulates_steps and not whole:
            begins = ~marks.second if rule.signed_trains else 1
        negative = marks.first_plane if whole else ~marks.second
        for channel, output in enumerate(self.adders.graph.outputs):
            total = Signal(self.sum_shape, name=f"total_{channel}")
            before = Signal(self.sum_shape, name=f"before_{channel}")
            kept = held.sums[channel]
            m.d.comb += before.eq(Mux(begins, 0, kept << 1 if rule.doubles else kept))
            if output is None:
                m.d.comb += total.eq(before)
            else:
                plane = getattr(adders, f"output_{channel}")
                if rule.signed_trains:
                    signed_plane = Cat(plane, 0).as_signed() if not plane.shape().signed else plane
                    m.d.comb += total.eq(
                        add_or_subtract(before, signed_plane, negative ^ int(output.negative))
                    )
                else:
                    m.d.comb += total.eq(before - plane if output.negative else before + plane)
            with m.If(moves & valid):
                m.d.sync += kept.eq(total)
        return m

    def _inputs(self, bits) -> Cat:
        """The window's bits in the order of the graph's inputs: bits of pixels lowest first."""
        geometry, channels = self.sliding.geometry, self.sliding.channels
        taps = geometry.kernel[0] * geometry.kernel[1]
        return Cat(
            bits[(tap * geometry.planes + plane) * channels + channel]
            for tap in range(taps)
            for channel in range(channels)
            for plane in reversed(range(geometry.planes))
        )
