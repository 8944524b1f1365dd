"""Event scanner: the set bits of a word, one a cycle."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ..basics.checks import check_range
from ..basics.payload_register import payload_register
from ..basics.select import at_least, encode, lowest, pick
from ..basics.shapes import count_shape, index_shape
from ..basics.table import lookup
from ..design.payloads import EventLayout, LaneWordLayout, member_bits
from ..design.style import FAST, Style

#: Bits that are searched for the next event in one cycle.
CHUNK_BITS = 16


class EventScanner(wiring.Component):
    """Turns each word into events, most significant plane first.

    A word is cut into chunks; chunks without set bits are skipped in no time, and the next chunk
    is found while the last event of the one before is given out, so that a word costs as many
    cycles as it has events (one where it has none). ``word_shift`` is the largest ``shift`` of an
    incoming word, ``event_shift`` the largest of an event: a larger one is spread over several.
    A word of several planes is a whole unit and ends with the shifts down to its last plane.
    ``signed_trains``: what is ``negative`` in a word is so in its events.
    ``style``: without ``path_registers``, whether a chunk is a word's last is found as it is looked
    at, in fewer cells.

    Members:
        words: in, stream of ``LaneWordLayout``.
        events: out, stream of ``EventLayout``.
    """

    words: stream.Interface
    events: stream.Interface

    def __init__(
        self,
        taps: int,
        planes: int,
        words: int,
        word_shift: int,
        event_shift: int,
        *,
        signed_trains: bool = False,
        style: Style = FAST,
    ):
        check_range("EventScanner", "taps", taps, 1, None)
        check_range("EventScanner", "planes", planes, 1, 1 if signed_trains else None)
        check_range("EventScanner", "words", words, taps, None)
        needs_shift = planes > 1 or word_shift > 0
        check_range("EventScanner", "word_shift", word_shift, 0, 0 if planes > 1 else None)
        check_range("EventScanner", "event_shift", event_shift, 1 if needs_shift else 0, None)
        self.taps = taps
        self.planes = planes
        self.largest_shift = max(word_shift, planes - 1)
        self.event_shift = event_shift
        self.style = style
        self.reset_less = not style.payload_resets
        self.signed_trains = signed_trains
        self.word_layout = LaneWordLayout(
            taps, planes, words, word_shift, signed_trains=signed_trains
        )
        self.event_layout = EventLayout(words, event_shift, signed_trains=signed_trains)
        super().__init__(
            {
                "words": In(stream.Signature(self.word_layout)),
                "events": Out(stream.Signature(self.event_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width = min(CHUNK_BITS, self.taps)
        chunk = Signal(self._chunk_layout(width))
        offered = Signal()
        take = Signal()
        if width == self.taps and self.planes == 1:
            self._whole_word(m, chunk, offered, take)
        else:
            self._next_chunk(m, width, chunk, offered, take)

        # The chunk whose events are given out. That it has one event at most is known before it is
        # looked at: what depends on this reaches back to the queue of words.
        busy = Signal()
        bits = Signal(width, reset_less=self.reset_less)
        single = Signal()
        base = Signal.like(chunk.base, reset_less=self.reset_less)
        shift = Signal.like(chunk.shift)
        final = Signal()
        event = Signal(self.event_layout)
        given = payload_register(m, self.events.payload, "given", reset_less=self.reset_less)
        accepted = Signal()
        first_bit = Signal(width)
        spread = Signal()
        chunk_done = Signal()
        m.d.comb += [
            first_bit.eq(lowest(bits)),
            spread.eq(shift > self.event_shift if self.largest_shift > self.event_shift else 0),
            chunk_done.eq(~spread & single),
            event.add.eq(~spread & (bits != 0)),
            event.address.eq(base + encode(first_bit)),
            event.shift.eq(Mux(spread, self.event_shift, shift)),
            event.last.eq(chunk_done & final),
            accepted.eq(~self.events.valid | self.events.ready),
            take.eq(~busy | (accepted & chunk_done)),
        ]
        # The search and the memory that the event addresses are in different cycles.
        with m.If(accepted):
            m.d.sync += [self.events.valid.eq(busy), given.eq(event)]
        with m.If(busy & accepted):
            with m.If(spread):
                m.d.sync += shift.eq(shift - self.event_shift)
            with m.Else():
                m.d.sync += [
                    shift.eq(0),
                    bits.eq(bits & ~first_bit),
                    single.eq(~at_least(bits, 3)[2]),
                ]
        with m.If(take):
            m.d.sync += [
                busy.eq(offered),
                bits.eq(chunk.bits),
                single.eq(chunk.single),
                base.eq(chunk.base),
                shift.eq(chunk.shift),
                final.eq(chunk.final),
            ]
        if self.signed_trains:
            negative = Signal(reset_less=self.reset_less)
            m.d.comb += event.negative.eq(negative)
            with m.If(take):
                m.d.sync += negative.eq(chunk.negative)
        return m

    def _chunk_layout(self, width: int) -> data.StructLayout:
        """Bits of one plane, the address of the first, and whether the unit ends with them."""
        members = {
            "bits": width,
            "single": 1,
            "base": self.word_layout.members["address"],
            "shift": count_shape(self.largest_shift),
            "final": 1,
        }
        return data.StructLayout(members | ({"negative": 1} if self.signed_trains else {}))

    def _whole_word(self, m: Module, chunk: data.View, offered: Signal, take: Signal) -> None:
        """A word is one chunk: it comes straight from where the words wait."""
        word = self.words.payload
        m.d.comb += [
            offered.eq(self.words.valid),
            self.words.ready.eq(take),
            chunk.bits.eq(word.bits[0]),
            chunk.single.eq(~at_least(word.bits[0], 2)[1]),
            chunk.base.eq(word.address),
            chunk.shift.eq(word.shift),
            chunk.final.eq(word.last),
        ]
        if self.signed_trains:
            m.d.comb += chunk.negative.eq(word.negative)

    def _next_chunk(
        self, m: Module, width: int, chunk: data.View, offered: Signal, take: Signal
    ) -> None:
        """The next chunk that has bits, of a word that is held until it has no further one."""
        per_plane = ceil_div(self.taps, width)
        chunks = self.planes * per_plane

        def cut(word: data.View) -> list[Value]:
            return [
                member_bits(word, "bits", plane, start=index * width, stop=(index + 1) * width)
                for plane in range(self.planes)
                for index in range(per_plane)
            ]

        word = Signal(self.word_layout, reset_less=self.reset_less)
        held = Signal()
        untouched = Signal()
        chunks_left = Signal(chunks)
        many = Signal(chunks, reset_less=self.reset_less)
        last_plane = Signal(index_shape(self.planes))
        select = Signal(chunks)
        rest = Signal(chunks)
        plane_select = Cat(
            select.word_select(plane, per_plane).any() for plane in range(self.planes)
        )
        chunk_select = Cat(select[index::per_plane].any() for index in range(per_plane))
        plane = Signal(index_shape(self.planes))
        offset = lookup(
            m, encode(chunk_select), [index * width for index in range(per_plane)], name="offset"
        )
        only_shift = Signal()
        # Whether the word has no further chunk enables the registers of a whole word, here and
        # where words wait: it is known before the chunk is looked at.
        word_done = Signal()
        incoming = self.words.payload
        arriving = Signal(chunks)
        m.d.comb += arriving.eq(Cat(bits.any() for bits in cut(incoming)))
        m.d.comb += [
            select.eq(lowest(chunks_left)),
            rest.eq(chunks_left & ~select),
            plane.eq(encode(plane_select)),
            only_shift.eq(chunks_left == 0),
            offered.eq(held),
            chunk.bits.eq(pick(select, cut(word))),
            chunk.single.eq(~(select & many).any()),
            chunk.base.eq(word.address + offset),
            chunk.final.eq(word.last & word_done),
        ]
        if self.planes > 1:
            # A word ends with its last plane: where that has no bits, with a shift alone.
            m.d.comb += chunk.shift.eq(
                Mux(untouched, 0, Mux(only_shift, self.planes - 1, plane) - last_plane)
            )
        else:
            m.d.comb += chunk.shift.eq(Mux(untouched, word.shift, 0))
        if self.signed_trains:
            m.d.comb += chunk.negative.eq(word.negative)
        m.d.comb += self.words.ready.eq(~held | (take & word_done))
        with m.If(held & take):
            m.d.sync += [
                chunks_left.eq(rest),
                untouched.eq(0),
                last_plane.eq(plane),
                held.eq(~word_done),
            ]
            if self.style.path_registers:
                m.d.sync += word_done.eq(self._ends(chunks_left, per_plane, 1))
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += [
                word.eq(incoming),
                held.eq(1),
                untouched.eq(1),
                chunks_left.eq(arriving),
                many.eq(Cat(at_least(bits, 2)[1] for bits in cut(incoming))),
            ]
            if self.style.path_registers:
                m.d.sync += word_done.eq(self._ends(arriving, per_plane, 0))
        if not self.style.path_registers:
            ends = rest == 0
            if self.planes > 1:
                ends = only_shift | (ends & (plane == self.planes - 1))
            m.d.comb += word_done.eq(ends)

    def _ends(self, chunks: Signal, per_plane: int, given: int) -> Value:
        """Whether a word ends with the chunk that comes after the first ``given`` of ``chunks``."""
        *_, one, more = at_least(chunks, given + 2)
        if self.planes == 1:
            return ~more
        # None is left, or one in the last plane.
        return ~one | (~more & chunks[-per_plane:].any())
