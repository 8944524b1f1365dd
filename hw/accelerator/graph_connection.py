"""A connection whose windows go through an adder graph."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.shapes import count_shape, signed_shape
from ..design.layer_design import LayerDesign
from ..lanes.graph_lane import GraphLane
from ..window.sliding_windows import SlidingWindows
from .connection import fill_buffer, map_select, pixel_planes


class GraphConnection(wiring.Component):
    """Spike words or pixels of a whole map in, weighted sums of its windows out::

        words -> [select] -> sliding windows -> graph lane -> sums

    Args:
        design: the layer, of one connection.

    Members:
        words, steps, accumulating: as those of ``ConnectionPath``.
        sums: out, stream of ``SumLayout``; a sum for each channel.

    Cycles: a plane of a window in each.
    """

    words: stream.Interface
    steps: Signal
    sums: stream.Interface
    accumulating: Signal

    def __init__(self, design: LayerDesign):
        (connection,) = design.connections
        self.design = connection
        self.buffer = SlidingWindows(
            connection.sliding,
            word_width=connection.kept_width,
            padding_bits=pixel_planes(design.network.zero_point) if connection.pixels else 0,
        )
        self.select = None if connection.keeps_all else map_select(connection)
        self.lane = GraphLane(
            connection.sliding,
            connection.adder_graph,
            design.sum_rule,
            signed_shape(design.current),
        )
        super().__init__(
            {
                "words": In(stream.Signature(connection.word_width)),
                "steps": In(count_shape(connection.largest_steps)),
                "sums": Out(self.lane.sums.signature),
                "accumulating": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.buffer = buffer = self.buffer
        m.submodules.lane = lane = self.lane
        fill_buffer(m, self, buffer.words)
        m.d.comb += [
            buffer.steps.eq(self.steps if buffer.largest_steps > 1 else 1),
            self.accumulating.eq(lane.accumulating),
        ]
        wiring.connect(m, buffer.windows, lane.windows)
        wiring.connect(m, lane.sums, wiring.flipped(self.sums))
        return m
