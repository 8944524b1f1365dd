"""The set bits of a lane's words, one a cycle."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.payload_register import payload_register
from ...basics.select import encode, lowest
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
        place = Signal(range(LANE_BITS))
        ends = Signal()
        event = Signal(layout)
        shift_bits = len(event.shift)
        m.d.comb += [
            moves.eq(~self.events.valid | self.events.ready),
            select.eq(lowest(word.bits)),
            rest.eq(word.bits & ~select),
            place.eq(encode(select)),
            ends.eq(rest == 0),
            event.weight.eq(word.weight + (place >> shift_bits)),
            event.shift.eq(place[:shift_bits]),
            event.negative.eq(word.signed_source & (place[:shift_bits] == word.sign_bit)),
            event.add.eq(word.bits != 0),
            event.ends_window.eq(ends & word.ends_window),
            event.ends_strip.eq(ends & word.ends_strip),
            self.words.ready.eq(~busy | (moves & ends)),
        ]
        with m.If(moves):
            m.d.sync += [self.events.valid.eq(busy), given.eq(event), word.bits.eq(rest)]
        with m.If(self.words.ready):
            m.d.sync += [word.eq(self.words.payload), busy.eq(self.words.valid)]
        return m
