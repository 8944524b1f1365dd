"""The events of words, one after another."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.select import encode, lowest
from ..basics.shapes import count_shape
from ..basics.table import lookup
from ..design.serial_design import SerialDesign
from .serial_layouts import SerialEventLayout, SerialWordLayout


class WordEvents(wiring.Component):
    """Searches each word for its set bits, from the lowest on.

    Args:
        design: the connection.

    Members:
        words: in, stream of ``SerialWordLayout``.
        events: out, stream of ``SerialEventLayout``: one for each set bit, and one for the last
            word of an image that has none.

    Cycles: one for each event; a word without any takes one as well.
    """

    words: stream.Interface
    events: stream.Interface

    def __init__(self, design: SerialDesign):
        self.design = design
        width, addresses = design.planes * design.taps, len(design.weights)
        self.word_layout = SerialWordLayout(width, addresses, design.largest_shift)
        self.event_layout = SerialEventLayout(addresses, design.largest_shift)
        super().__init__(
            {
                "words": In(stream.Signature(self.word_layout)),
                "events": Out(stream.Signature(self.event_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        word = Signal(self.word_layout, reset_less=True)
        holds = Signal()
        event, found, rest = self.events.payload, Signal(len(word.bits)), Signal(len(word.bits))
        moves, gives, ends = Signal(), Signal(), Signal()
        bit = Signal(count_shape(len(found) - 1))
        offset = lookup(m, bit, design.bit_offsets, name="offset")
        worth = lookup(m, bit, self._less_shifts(), name="less_shift")
        m.d.comb += [
            found.eq(lowest(word.bits)),
            bit.eq(encode(found)),
            rest.eq(word.bits & ~found),
            # The payload waits in a register: weights are read at an address of it.
            moves.eq(~self.events.valid | self.events.ready),
            ends.eq(rest == 0),
            gives.eq(holds & (word.bits.any() | word.last)),
            self.words.ready.eq(~holds | (moves & ends)),
        ]
        with m.If(moves):
            m.d.sync += [
                self.events.valid.eq(gives),
                event.weights.eq(word.weights + offset),
                event.shift.eq(word.shift - worth),
                event.negative.eq(word.negative),
                event.adds.eq(word.bits.any()),
                event.last.eq(word.last & ends),
                word.bits.eq(rest),
            ]
        with m.If(self.words.ready):
            m.d.sync += [holds.eq(self.words.valid), word.eq(self.words.payload)]
        return m

    def _less_shifts(self) -> list[int]:
        """Per bit, by how much less than the word's first plane it is worth."""
        return [plane for plane in range(self.design.planes) for _ in range(self.design.taps)]
