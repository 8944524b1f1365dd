"""Event scanner: the set bits of a word, one a cycle."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .payloads import EventLayout, LaneWordLayout
from .select import encode, lowest, pick
from .shapes import count_shape, index_shape
from .table import lookup

#: Bits that are searched for the next event in one cycle.
CHUNK_BITS = 16


class EventScanner(wiring.Component):
    """Turns each word into events, most significant plane first.

    A word is cut into chunks; chunks without set bits are skipped in no time, and the next chunk
    is found while the last event of the one before is given out, so that a word costs as many
    cycles as it has events (one where it has none). ``word_shift`` is the largest ``shift`` of an
    incoming word, ``event_shift`` the largest of an event: a larger one is spread over several.
    A word of several planes is a whole unit and ends with the shifts down to its last plane.
    """

    def __init__(self, taps: int, planes: int, words: int, word_shift: int, event_shift: int):
        check_range("EventScanner", "taps", taps, 1, None)
        check_range("EventScanner", "planes", planes, 1, None)
        check_range("EventScanner", "words", words, taps, None)
        needs_shift = planes > 1 or word_shift > 0
        check_range("EventScanner", "word_shift", word_shift, 0, 0 if planes > 1 else None)
        check_range("EventScanner", "event_shift", event_shift, 1 if needs_shift else 0, None)
        self.taps = taps
        self.planes = planes
        self.largest_shift = max(word_shift, planes - 1)
        self.event_shift = event_shift
        self.word_layout = LaneWordLayout(taps, planes, words, word_shift)
        self.event_layout = EventLayout(words, event_shift)
        super().__init__(
            {
                "words": In(stream.Signature(self.word_layout)),
                "events": Out(stream.Signature(self.event_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width = min(CHUNK_BITS, self.taps)
        per_plane = -(-self.taps // width)
        chunks = self.planes * per_plane
        planes = range(self.planes)
        word = Signal(self.word_layout)
        held = Signal()
        untouched = Signal()
        chunks_left = Signal(chunks)
        last_plane = Signal(index_shape(self.planes))

        # The next chunk of the held word.
        select = Signal(chunks)
        rest = Signal(chunks)
        cut = [
            Cat(word.bits[plane])[index * width : (index + 1) * width]
            for plane in planes
            for index in range(per_plane)
        ]
        plane_select = Cat(select.word_select(plane, per_plane).any() for plane in planes)
        chunk_select = Cat(
            Cat(select[plane * per_plane + index] for plane in planes).any()
            for index in range(per_plane)
        )
        plane = Signal(index_shape(self.planes))
        offset = lookup(
            m, encode(chunk_select), [index * width for index in range(per_plane)], name="offset"
        )
        only_shift = Signal()
        word_done = Signal()
        chunk_shift = Signal(count_shape(self.largest_shift))
        m.d.comb += [
            select.eq(lowest(chunks_left)),
            rest.eq(chunks_left & ~select),
            plane.eq(encode(plane_select)),
            only_shift.eq(chunks_left == 0),
        ]
        if self.planes > 1:
            m.d.comb += [
                word_done.eq(only_shift | ((rest == 0) & (plane == self.planes - 1))),
                chunk_shift.eq(
                    Mux(untouched, 0, Mux(only_shift, self.planes - 1, plane) - last_plane)
                ),
            ]
        else:
            m.d.comb += [
                word_done.eq(rest == 0),
                chunk_shift.eq(Mux(untouched, word.shift, 0)),
            ]

        # The chunk whose events are given out.
        busy = Signal()
        bits = Signal(width)
        base = Signal.like(word.address)
        shift = Signal(count_shape(self.largest_shift))
        final = Signal()
        event = Signal(self.event_layout)
        accepted = Signal()
        first_bit = Signal(width)
        bits_rest = Signal(width)
        spread = Signal()
        chunk_done = Signal()
        take = Signal()
        m.d.comb += [
            first_bit.eq(lowest(bits)),
            bits_rest.eq(bits & ~first_bit),
            spread.eq(shift > self.event_shift if self.largest_shift > self.event_shift else 0),
            chunk_done.eq(~spread & (bits_rest == 0)),
            event.add.eq(~spread & (bits != 0)),
            event.address.eq(base + encode(first_bit)),
            event.shift.eq(Mux(spread, self.event_shift, shift)),
            event.last.eq(chunk_done & final),
            accepted.eq(~self.events.valid | self.events.ready),
            take.eq(held & (~busy | (accepted & chunk_done))),
            self.words.ready.eq(~held | (take & word_done)),
        ]
        # The search and the memory that the event addresses are in different cycles.
        with m.If(accepted):
            m.d.sync += [self.events.valid.eq(busy), self.events.payload.eq(event)]
        with m.If(busy & accepted):
            with m.If(spread):
                m.d.sync += shift.eq(shift - self.event_shift)
            with m.Else():
                m.d.sync += [shift.eq(0), bits.eq(bits_rest), busy.eq(~chunk_done)]
        with m.If(take):
            m.d.sync += [
                busy.eq(1),
                bits.eq(pick(select, cut)),
                base.eq(word.address + offset),
                shift.eq(chunk_shift),
                final.eq(word.last & word_done),
                chunks_left.eq(rest),
                untouched.eq(0),
                last_plane.eq(plane),
                held.eq(~word_done),
            ]
        incoming = self.words.payload
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += [
                word.eq(incoming),
                held.eq(1),
                untouched.eq(1),
                chunks_left.eq(
                    Cat(
                        incoming.bits[p][i * width : (i + 1) * width].any()
                        for p in planes
                        for i in range(per_plane)
                    )
                ),
            ]
        return m
