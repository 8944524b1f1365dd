"""Maxima of whole windows, for the writer."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.room_queue import RoomQueue
from ..design import EngineDesign
from ..program import pass_record
from ..record_layouts import record_layout
from .placed import PlacedLayout, PooledLayout
from .running_maximum import RunningMaximum

#: Places of what waits for the writer.
PLACES = 16
#: Numbers that still come once places are counted to be too few: registers of ``room``, of
#: ``PoolRows``, and here.
ON_THE_WAY = 6


class PoolMaximum(wiring.Component):
    """Keeps the maximum of each window's numbers, and gives it with the window's last ones.

    Members:
        header: in; the pass.
        valid, pooled: in; ``PooledLayout``.
        room: out; for ``ON_THE_WAY`` more of them, out of a register.
        placed: out, stream of ``PlacedLayout``.
    """

    valid: Signal
    room: Signal
    placed: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "valid": In(1),
                "pooled": In(PooledLayout(design)),
                "room": Out(1),
                "placed": Out(stream.Signature(PlacedLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        m.submodules.maximum = maximum = RunningMaximum(
            design, PooledLayout(design), design.pool_words
        )
        m.submodules.waiting = waiting = RoomQueue(
            PlacedLayout(design), PLACES, on_the_way=ON_THE_WAY
        )
        wiring.connect(m, waiting.output, wiring.flipped(self.placed))
        found, complete = maximum.found, Signal()
        m.d.comb += [
            maximum.header.eq(self.header),
            maximum.moves.eq(1),
            maximum.valid.eq(self.valid),
            maximum.element.eq(self.pooled),
            complete.eq(found.counts & found.last),
            waiting.valid.eq(maximum.found_valid & (complete | found.along.pass_ends)),
            waiting.payload["values"].eq(found["values"]),
            waiting.payload.address.eq(found.along.address),
            waiting.payload.write.eq(complete),
            waiting.payload.pass_ends.eq(found.along.pass_ends),
            waiting.payload.train.eq(found.along.train),
            self.room.eq(waiting.room),
        ]
        return m
