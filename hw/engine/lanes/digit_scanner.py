"""The set bits of a lane's words, one a cycle."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.payload_register import payload_register
from ...basics.select import at_least, encode, lowest
from ..design import EngineDesign
from ..layouts import LANE_BITS, EventLayout, LaneWordLayout


class DigitScanner(wiring.Component):
    """Turns each word into its events, the lowest bit first; one without bits into an end.

    A word costs as many cycles as it has events, one where it has none.

    Members:
        words: in, stream of ``LaneWordLayout``.
        events: out, stream of ``EventLayout``.
    """

    words: stream.Interface
    events: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        super().__init__(
            {
                "words": In(stream.Signature(LaneWordLayout(design))),
                "events": Out(stream.Signature(EventLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        layout = EventLayout(self.design)
        given = payload_register(m, self.events.payload, "given")
        word = Signal(LaneWordLayout(self.design), reset_less=True)
        busy = Signal()
        moves = Signal()
        select = Signal(LANE_BITS)
        rest = Signal(LANE_BITS)
        # The event that was found, before it is known by number.
        found = Signal(LaneWordLayout(self.design), reset_less=True)
        found_valid = Signal()
        place = Signal(range(LANE_BITS))
        ends = Signal()
        # Whether it has more events than the next one: a register, as it decides what moves.
        several = Signal()
        event = Signal(layout)
        shift_bits = len(event.shift)
        m.d.comb += [
            moves.eq(~self.events.valid | self.events.ready),
            select.eq(lowest(word.bits)),
            rest.eq(word.bits & ~select),
            place.eq(encode(found.bits)),
            ends.eq(~several),
            event.weight.eq(found.weight + (place >> shift_bits)),
            event.shift.eq(Mux(found.flat, 0, place[:shift_bits])),
            event.negative.eq(found.signed_source & (place[:shift_bits] == found.sign_bit)),
            event.add.eq(found.bits != 0),
            event.ends_window.eq(found.ends_window),
            event.ends_strip.eq(found.ends_strip),
            self.words.ready.eq(~busy | (moves & ends)),
        ]
        with m.If(moves):
            m.d.sync += [
                found_valid.eq(busy),
                found.eq(word),
                found.bits.eq(select),
                found.ends_window.eq(ends & word.ends_window),
                found.ends_strip.eq(ends & word.ends_strip),
                self.events.valid.eq(found_valid),
                given.eq(event),
                word.bits.eq(rest),
                several.eq(at_least(word.bits, 3)[2]),
            ]
        with m.If(self.words.ready):
            m.d.sync += [
                word.eq(self.words.payload),
                busy.eq(self.words.valid),
                several.eq(at_least(self.words.payload.bits, 2)[1]),
            ]
        return m
