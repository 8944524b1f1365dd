"""What of the windows' beats a lane has to scan."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...basics.checks import check_range
from ..design import DIGIT_BITS, EngineDesign
from ..layouts import BeatLayout, LaneWordLayout


class LaneInbox(wiring.Component):
    """Drops beats without events of the lane; the end of a window goes with its last word.

    A word is held until it is known whether it is the window's last one with events. A window
    without events is a word without bits.

    Args:
        lane: number of the lane; where a beat is ``odd``, odd ones have the upper digits of bytes.

    Members:
        valid, beat: in; ``BeatLayout``.
        filled, word: out; ``LaneWordLayout``, at most one for each beat. Nothing makes it wait.
    """

    valid: Signal
    filled: Signal

    def __init__(self, design: EngineDesign, lane: int):
        self.design = design
        self.lane = check_range("LaneInbox", "lane", lane, 0, design.lanes - 1)
        super().__init__(
            {
                "valid": In(1),
                "beat": In(BeatLayout(design)),
                "filled": Out(1),
                "word": Out(LaneWordLayout(design)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        beat = self.beat
        given = Signal(LaneWordLayout(self.design), reset_less=True)
        held = Signal(LaneWordLayout(self.design), reset_less=True)
        holds = Signal()
        occurs = Signal()
        # The digit that a byte's sign is in may be another lane's.
        upper = beat.odd & (self.lane % 2)
        m.d.comb += [
            occurs.eq(beat.mask[self.lane] & (beat.bits[self.lane] != 0)),
            self.word.eq(given),
        ]
        m.d.sync += self.filled.eq(0)
        with m.If(self.valid):
            with m.If(beat.ends_window):
                m.d.sync += [
                    self.filled.eq(1),
                    holds.eq(0),
                    given.eq(held),
                    given.ends_window.eq(1),
                    given.ends_strip.eq(beat.ends_strip),
                ]
                with m.If(~holds):
                    m.d.sync += given.bits.eq(0)
            with m.Elif(occurs):
                m.d.sync += [
                    self.filled.eq(holds),
                    holds.eq(1),
                    given.eq(held),
                    given.ends_window.eq(0),
                    given.ends_strip.eq(0),
                    held.bits.eq(beat.bits[self.lane]),
                    held.weight.eq(beat.weight),
                    held.signed_source.eq(
                        beat.signed_source & (beat.sign_bit[DIGIT_BITS.bit_length() - 1] == upper)
                    ),
                    held.sign_bit.eq(beat.sign_bit),
                    held.flat.eq(beat.flat),
                ]
        return m
