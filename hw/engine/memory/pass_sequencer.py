"""Pass sequencer: takes the program, fills the tables of each pass and starts it."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.select import encode
from ...basics.shapes import index_shape
from ..design import WORD_BITS, EngineDesign
from ..program import TABLES, Kind, pass_record, table_sizes
from ..record_layouts import record_layout
from .table_port import WORD_TABLES, table_port


class PassSequencer(wiring.Component):
    """Runs a program, one pass after the other.

    The head of a pass and its tables are written while no pass runs, and stand still from ``go``
    until ``finished``; the head and the table of sources from ``reads`` on. What comes behind the
    program's end is left in the stream; whoever reads the program drops it before the next
    ``start``.

    Members:
        words: in, stream; the program.
        start: in; begin a program; heeded only while none runs.
        weights_ready: in; the weights of the pass of ``header`` are in the lanes' memories.
        finished: in; the pass is done.
        header: out; the head of the pass.
        chunks, sources, segments, row_entries, operations, parameters: out, ``TablePort``;
            ``sources`` and ``parameters`` are a ``TableWordsPort``.
        reads: out; rows of the next pass may be read from the next cycle on: its head and its
            sources are there, and what the pass before has written is in memory.
        go: out; a pass begins in this cycle: head, tables and weights are there.
        done: out; no program runs.
    """

    words: stream.Interface
    start: Signal
    weights_ready: Signal
    finished: Signal
    header: data.View
    reads: Signal
    go: Signal
    done: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        self.head = pass_record(design)
        self.records = [(name, make(design)) for name, make in TABLES.items()]
        super().__init__(
            {
                "words": In(stream.Signature(WORD_BITS)),
                "start": In(1),
                "weights_ready": In(1),
                "finished": In(1),
                "header": Out(record_layout(self.head)),
                **{name: Out(table_port(design, name)) for name in TABLES},
                "reads": Out(1),
                "go": Out(1),
                "done": Out(1, init=1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        header_words = Signal(self.head.words * WORD_BITS)
        longest = max(record.words for _, record in self.records)
        # Words come in from above: a record of k words is in the upper k when its last one is in.
        held = max(record.words for name, record in self.records if name not in WORD_TABLES)
        assembled = Signal(held * WORD_BITS, reset_less=True)
        table = Signal(len(self.records), init=1)
        index = Signal(index_shape(max(table_sizes(self.design).values())))
        word = Signal(index_shape(max(longest, self.head.words)))
        takes = Signal()
        heads = Signal()
        tables = Signal()
        last_word = Signal()
        last_record = Signal()
        no_records = Signal()
        m.d.comb += [
            self.header.eq(header_words[: self.head.bits]),
            takes.eq(self.words.valid & self.words.ready),
        ]
        self._table_ports(m, assembled, table, index, word, takes & tables, last_word)

        counts = self._counts()
        last_words = [record.words - 1 for _, record in self.records]
        last_index = Signal.like(index, reset_less=True)
        last_place = Signal.like(word, reset_less=True)
        with m.Switch(encode(table)):
            for number, count in enumerate(counts):
                with m.Case(number):
                    m.d.sync += [
                        last_index.eq(count - 1),
                        no_records.eq(count == 0),
                        last_place.eq(last_words[number]),
                    ]
        m.d.comb += [last_record.eq(index == last_index), last_word.eq(word == last_place)]
        with m.If(takes):
            m.d.sync += word.eq(word + 1)

        next_table = [table.eq(table.rotate_left(1)), index.eq(0)]
        sources = table[list(TABLES).index("sources")]
        m.d.sync += self.reads.eq(0)
        with m.FSM(init="IDLE"):
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += [self.done.eq(0), word.eq(0)]
                m.next = "HEAD"
            with m.State("HEAD"):
                m.d.comb += [heads.eq(1), self.words.ready.eq(1)]
                with m.If(takes):
                    m.d.sync += header_words.eq(Cat(header_words[WORD_BITS:], self.words.payload))
                    with m.If(word == self.head.words - 1):
                        m.d.sync += word.eq(0)
                        m.next = "KIND"
            with m.State("KIND"):
                m.next = "COUNT"
                with m.If(self.header.kind == Kind.END):
                    m.d.sync += self.done.eq(1)
                    m.next = "IDLE"
            with m.State("COUNT"):
                # Registers of the table's size follow it by a cycle.
                m.next = "TABLES"
            with m.State("TABLES"):
                m.d.comb += [tables.eq(1), self.words.ready.eq(~no_records)]
                with m.If(takes):
                    m.d.sync += assembled.eq(Cat(assembled[WORD_BITS:], self.words.payload))
                    with m.If(last_word):
                        m.d.sync += [word.eq(0), index.eq(index + 1)]
                with m.If(no_records | (takes & last_word & last_record)):
                    m.d.sync += [*next_table, self.reads.eq(sources)]
                    m.next = "COUNT"
                    with m.If(table[-1]):
                        m.next = "READY"
            with m.State("READY"), m.If(self.weights_ready):
                m.d.sync += self.go.eq(1)
                m.next = "RUN"
            with m.State("RUN"):
                m.d.sync += self.go.eq(0)
                with m.If(self.finished):
                    m.next = "HEAD"
        return m

    def _counts(self) -> list[Value]:
        """Records of each table in the pass of the header."""
        return [getattr(self.header, name) for name in TABLES]

    def _table_ports(
        self,
        m: Module,
        assembled: Signal,
        table: Signal,
        index: Signal,
        word: Signal,
        takes: Value,
        last_word: Signal,
    ) -> None:
        """Records, and single words, are written a cycle after their (last) word came."""
        written = Signal(len(self.records))
        complete = Signal()
        place = Signal.like(index, reset_less=True)
        part = Signal.like(word, reset_less=True)
        m.d.sync += [
            written.eq(Mux(takes, table, 0)),
            complete.eq(last_word),
            place.eq(index),
            part.eq(word),
        ]
        for number, (name, record) in enumerate(self.records):
            port = getattr(self, name)
            m.d.comb += port.index.eq(place)
            if name in WORD_TABLES:
                m.d.comb += [
                    port.write.eq(written[number]),
                    port.part.eq(part),
                    port.word.eq(assembled[-WORD_BITS:]),
                ]
            else:
                low = len(assembled) - record.words * WORD_BITS
                m.d.comb += [
                    port.write.eq(written[number] & complete),
                    port.record.eq(assembled[low : low + record.bits]),
                ]
