"""The beats of windows to all lanes."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .design import EngineDesign
from .layouts import BeatLayout


class BeatFork(wiring.Component):
    """Gives each beat to all lanes in one cycle, out of a register.

    That all of them have room is a register as well: lanes take the beats that come until it falls
    (see ``EngineLane``).

    Members:
        beats: in, stream of ``BeatLayout``.
        room: in; a bit of each lane.
        valid, beat: out; to all lanes, a beat for one cycle.
    """

    beats: stream.Interface
    room: Signal
    valid: Signal

    def __init__(self, design: EngineDesign):
        layout = BeatLayout(design)
        super().__init__(
            {
                "beats": In(stream.Signature(layout)),
                "room": In(design.lanes),
                "valid": Out(1),
                "beat": Out(layout),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        held = Signal.like(self.beats.payload, reset_less=True)
        m.d.sync += [
            self.beats.ready.eq(self.room.all()),
            held.eq(self.beats.payload),
            self.valid.eq(self.beats.valid & self.beats.ready),
        ]
        m.d.comb += self.beat.eq(held)
        return m
