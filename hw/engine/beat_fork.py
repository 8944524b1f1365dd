"""The beats of windows to all lanes."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .design import EngineDesign
from .layouts import BeatLayout


class BeatFork(wiring.Component):
    """Gives each beat to all lanes in one cycle, when all of them take it.

    What a lane is ready for comes from registers (see ``LaneInbox``), so that it may be asked
    before it is offered anything.

    Members:
        beats: in, stream of ``BeatLayout``.
        lanes: out, streams of the same.
    """

    beats: stream.Interface
    lanes: list[stream.Interface]

    def __init__(self, design: EngineDesign):
        signature = stream.Signature(BeatLayout(design))
        super().__init__({"beats": In(signature), "lanes": Out(signature).array(design.lanes)})

    def elaborate(self, platform) -> Module:
        m = Module()
        ready = Signal()
        all_ready = 1
        for lane in self.lanes:
            all_ready = all_ready & lane.ready
        m.d.comb += [ready.eq(all_ready), self.beats.ready.eq(ready)]
        for lane in self.lanes:
            m.d.comb += [
                lane.payload.eq(self.beats.payload),
                lane.valid.eq(self.beats.valid & ready),
            ]
        return m
