"""Row scheduler: which row of which source is read next, and where it goes."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ....golden.basics.arithmetic import ceil_div
from ...basics.shapes import index_shape
from ...basics.widths import count_bits
from ...memories.memory_shape import memory_style
from ..design import WORD_BITS, EngineDesign
from ..program import ADDRESS_BITS, EXTENT_BITS, OFFSET_BITS, source_record
from ..record_layouts import record_layout
from .row_job import RowBurstsLayout, RowFillLayout
from .table_port import TableWordsPort

#: Shape of a difference of two rows, one of which may be an offset beyond the map.
_DISTANCE = signed(OFFSET_BITS + 1)


class RowScheduler(wiring.Component):
    """For each row of windows, the rows of each source that it sees and that are not read yet.

    A row waits until the walker, and with it everything behind, needs no longer what is in its
    slot of the row buffer. Rows that no row of windows sees are skipped.

    One source is looked at at a time. Its record and its state come out of a memory word by word,
    and the state goes back there: it takes some 20 cycles for each row of windows and source, and
    saves 400 look-up tables (ECP5, the default design).

    Members:
        sources: in, ``TableWordsPort``; the table of sources.
        go: in; a pass begins: ``count`` sources, ``window_rows`` rows of windows.
        count, window_rows: in; they stand still while the pass runs.
        row_finished: in; the walker is done with a row of windows.
        bursts: out, stream of ``RowBurstsLayout``; rows to read.
        fills: out, stream of ``RowFillLayout``; the same rows, and the ends of rows of windows.
    """

    sources: wiring.PureInterface
    go: Signal
    count: Signal
    window_rows: Signal
    row_finished: Signal
    bursts: stream.Interface
    fills: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.record = source_record(design)
        self.source_layout = record_layout(self.record)
        # Of a source while a pass runs. In row y of windows, and with the next row to read:
        self.state_layout = data.StructLayout(
            {
                "reach": _DISTANCE,  # last row that y sees - row
                "left": unsigned(EXTENT_BITS),  # rows of the map - row
                "fresh": unsigned(EXTENT_BITS),  # slots that nothing was in
                "passed": unsigned(EXTENT_BITS),  # rows of windows that count in ``behind``
                "behind": _DISTANCE,  # first row that the walker sees - row of the slot's content
                "offset": unsigned(count_bits(design.buffer_words)),  # of the slot, in the ring
                "address": unsigned(ADDRESS_BITS),  # in memory
            }
        )
        super().__init__(
            {
                "sources": In(TableWordsPort(design, "sources")),
                "go": In(1),
                "count": In(count_bits(design.sources)),
                "window_rows": In(EXTENT_BITS),
                "row_finished": In(1),
                "bursts": Out(stream.Signature(RowBurstsLayout())),
                "fills": Out(stream.Signature(RowFillLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        number = Signal(index_shape(design.sources))
        # The source that is looked at: words of its record, and above them those of its state.
        source_bits = self.record.words * WORD_BITS
        state_words = ceil_div(self.state_layout.size, WORD_BITS)
        words = self.record.words + state_words
        fetched = Signal(words * WORD_BITS, reset_less=True)
        source = data.View(self.source_layout, fetched[: self.source_layout.size])
        state_bits = fetched[source_bits:]
        state = data.View(self.state_layout, state_bits[: self.state_layout.size])
        word = Signal(range(words + 1))
        stores = Signal()
        answer = self._storage(m, number, word, stores, state_bits[:WORD_BITS])

        initial = self._initial(m, source)
        begins = Signal()
        window_row = Signal(EXTENT_BITS)
        finished = Signal(EXTENT_BITS)
        m.d.sync += finished.eq(Mux(self.go, 0, finished + self.row_finished))

        following = self._following(m, state, source)
        seen = Signal()
        skipped = Signal()
        free = Signal()
        m.d.comb += [
            seen.eq((state.reach >= 0) & (state.left != 0)),
            skipped.eq(state.reach > source.row_reach - source.row_first),
            free.eq((state.fresh != 0) | (state.behind > 0)),
            self.bursts.payload.address.eq(state.address),
            self.bursts.payload.pieces.eq(source.pieces),
            self.bursts.payload.piece_words.eq(source.piece_words),
            self.bursts.payload.piece_stride.eq(source.piece_stride),
            self.fills.payload.address.eq(source.buffer_base + state.offset),
            self.fills.payload.supers.eq(source.supers),
            self.fills.payload.super_reads.eq(source.super_reads),
        ]

        with m.FSM(init="IDLE"):
            with m.State("IDLE"):
                m.d.sync += [number.eq(0), window_row.eq(0), begins.eq(1), word.eq(0)]
                with m.If(self.go):
                    m.next = "FETCH"
            with m.State("FETCH"):
                # A word comes a cycle after its address.
                m.d.sync += [fetched.eq(Cat(fetched[WORD_BITS:], answer)), word.eq(word + 1)]
                with m.If(word == words):
                    m.d.sync += word.eq(self.record.words)
                    m.next = "ROWS"
                    with m.If(begins):
                        m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.sync += state.eq(initial)
                m.next = "ROWS"
            with m.State("ROWS"):
                with m.If(~seen):
                    m.d.sync += state.reach.eq(state.reach + source.row_step)
                    m.next = "STORE"
                with m.Elif(skipped):
                    m.d.sync += state.eq(following)
                with m.Elif(free):
                    m.d.comb += self.fills.valid.eq(1)
                    with m.If(self.fills.ready):
                        m.next = "READ"
                with m.Elif(state.passed != finished):
                    m.d.sync += [
                        state.passed.eq(state.passed + 1),
                        state.behind.eq(state.behind + source.row_step),
                    ]
            with m.State("READ"):
                m.d.comb += self.bursts.valid.eq(1)
                with m.If(self.bursts.ready):
                    m.d.sync += state.eq(following)
                    m.next = "ROWS"
            with m.State("STORE"):
                m.d.comb += stores.eq(1)
                m.d.sync += [state_bits.eq(state_bits[WORD_BITS:]), word.eq(word + 1)]
                with m.If(word == words - 1):
                    m.d.sync += [number.eq(number + 1), word.eq(0)]
                    m.next = "FETCH"
                    with m.If(number + 1 == self.count):
                        m.next = "END"
            with m.State("END"):
                m.d.comb += [self.fills.valid.eq(1), self.fills.payload.complete.eq(1)]
                with m.If(self.fills.ready):
                    m.d.sync += [number.eq(0), window_row.eq(window_row + 1), begins.eq(0)]
                    m.next = "FETCH"
                    with m.If(window_row + 1 == self.window_rows):
                        m.next = "IDLE"
        return m

    def _storage(
        self, m: Module, number: Signal, word: Signal, stores: Signal, stored: Value
    ) -> Value:
        """Records and states: word ``word`` of source ``number``, a cycle later.

        With ``stores`` that word becomes ``stored``; else the table is written.
        """
        depth = self.design.sources << len(word)
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(WORD_BITS), depth=depth, init=[], attrs=memory_style(depth, WORD_BITS)
        )
        write, read = storage.write_port(), storage.read_port()
        sources = self.sources
        place = Cat(sources.part, Const(0, len(word) - len(sources.part)), sources.index)
        m.d.comb += [
            write.addr.eq(Mux(stores, Cat(word, number), place)),
            write.data.eq(Mux(stores, stored, sources.word)),
            write.en.eq(stores | sources.write),
            read.addr.eq(Cat(word, number)),
            read.en.eq(1),
        ]
        return read.data

    def _following(self, m: Module, state: data.View, source: data.View) -> Signal:
        """The state when the next row is read, or skipped."""
        following = Signal(self.state_layout)
        ring_end = Signal.like(state.offset)
        m.d.comb += [
            ring_end.eq(state.offset + source.slot_words),
            following.reach.eq(state.reach - 1),
            following.left.eq(state.left - 1),
            following.fresh.eq(state.fresh - (state.fresh != 0)),
            following.passed.eq(state.passed),
            following.behind.eq(state.behind - 1),
            following.offset.eq(Mux(ring_end == source.ring_words, 0, ring_end)),
            following.address.eq(state.address + source.row_stride),
        ]
        return following

    def _initial(self, m: Module, source: data.View) -> Signal:
        """The state in front of the first row of windows."""
        initial = Signal(self.state_layout)
        m.d.comb += [
            initial.reach.eq(source.row_reach),
            initial.left.eq(source.rows),
            initial.fresh.eq(source.slots),
            initial.behind.eq(source.row_first + source.slots),
            initial.address.eq(source.base),
        ]
        return initial
