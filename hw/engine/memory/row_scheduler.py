"""Row scheduler: which row of which source is read next, and where it goes."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import index_shape
from ...basics.widths import memory_depth
from ..design import EngineDesign
from ..program import ADDRESS_BITS, EXTENT_BITS, OFFSET_BITS, bits_for, source_record
from ..record_layouts import record_layout
from .row_job import RowBurstsLayout, RowFillLayout
from .table_port import TablePort

#: Shape of a difference of two rows, one of which may be an offset beyond the map.
_DISTANCE = signed(OFFSET_BITS + 1)


class RowScheduler(wiring.Component):
    """For each row of windows, the rows of each source that it sees and that are not read yet.

    A row waits until the walker, and with it everything behind, needs no longer what is in its
    slot of the row buffer. Rows that no row of windows sees are skipped.

    Members:
        sources: in, ``TablePort``; the table of sources.
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
        self.depth = memory_depth(design.sources)
        self.source_layout = record_layout(source_record(design))
        # Of a source while a pass runs. In row y of windows, and with the next row to read:
        self.state_layout = data.StructLayout(
            {
                "reach": _DISTANCE,  # last row that y sees - row
                "left": unsigned(EXTENT_BITS),  # rows of the map - row
                "fresh": unsigned(EXTENT_BITS),  # slots that nothing was in
                "passed": unsigned(EXTENT_BITS),  # rows of windows that count in ``behind``
                "behind": _DISTANCE,  # first row that the walker sees - row of the slot's content
                "offset": unsigned(bits_for(design.buffer_words)),  # of the slot, in the ring
                "address": unsigned(ADDRESS_BITS),  # in memory
            }
        )
        super().__init__(
            {
                "sources": In(TablePort(design, "sources")),
                "go": In(1),
                "count": In(bits_for(design.sources)),
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
        source = self._source(m, number)
        state = Signal(self.state_layout, reset_less=True)
        stores = Signal()
        stored = self._stored(m, number, state, source, stores)
        initial = self._initial(m, source)
        begins = Signal()
        window_row = Signal(EXTENT_BITS)
        finished = Signal(EXTENT_BITS)
        m.d.sync += finished.eq(Mux(self.go, 0, finished + self.row_finished))

        following = Signal(self.state_layout)
        ring_end = Signal.like(state.offset)
        seen = Signal()
        skipped = Signal()
        free = Signal()
        m.d.comb += [
            seen.eq((state.reach >= 0) & (state.left != 0)),
            skipped.eq(state.reach > source.row_reach - source.row_first),
            free.eq((state.fresh != 0) | (state.behind > 0)),
            ring_end.eq(state.offset + source.slot_words),
            following.reach.eq(state.reach - 1),
            following.left.eq(state.left - 1),
            following.fresh.eq(state.fresh - (state.fresh != 0)),
            following.passed.eq(state.passed),
            following.behind.eq(state.behind - 1),
            following.offset.eq(Mux(ring_end == source.ring_words, 0, ring_end)),
            following.address.eq(state.address + source.row_stride),
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
                m.d.sync += [number.eq(0), window_row.eq(0), begins.eq(1)]
                with m.If(self.go):
                    m.next = "LOAD"
            with m.State("LOAD"):
                m.d.sync += state.eq(Mux(begins, initial, stored))
                m.next = "ROWS"
            with m.State("ROWS"):
                with m.If(~seen):
                    m.d.comb += stores.eq(1)
                    m.d.sync += number.eq(number + 1)
                    m.next = "LOAD"
                    with m.If(number + 1 == self.count):
                        m.next = "END"
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
            with m.State("END"):
                m.d.comb += [self.fills.valid.eq(1), self.fills.payload.complete.eq(1)]
                with m.If(self.fills.ready):
                    m.d.sync += [number.eq(0), window_row.eq(window_row + 1), begins.eq(0)]
                    m.next = "LOAD"
                    with m.If(window_row + 1 == self.window_rows):
                        m.next = "IDLE"
        return m

    def _source(self, m: Module, number: Signal) -> data.View:
        """The record of source ``number``."""
        m.submodules.table = table = memory.Memory(
            shape=unsigned(self.source_layout.size), depth=self.depth, init=[]
        )
        write, read = table.write_port(), table.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.sources.index),
            write.data.eq(self.sources.record),
            write.en.eq(self.sources.write),
            read.addr.eq(number),
        ]
        return data.View(self.source_layout, read.data)

    def _stored(
        self, m: Module, number: Signal, state: data.View, source: data.View, stores: Signal
    ) -> Value:
        """The state of source ``number``; it is kept for the next row of windows on ``stores``."""
        m.submodules.states = states = memory.Memory(
            shape=unsigned(self.state_layout.size), depth=self.depth, init=[]
        )
        write, read = states.write_port(), states.read_port(domain="comb")
        following = Signal(self.state_layout)
        m.d.comb += [
            following.eq(state),
            following.reach.eq(state.reach + source.row_step),
            write.addr.eq(number),
            write.data.eq(following),
            write.en.eq(stores),
            read.addr.eq(number),
        ]
        return read.data

    def _initial(self, m: Module, source: data.View) -> data.View:
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
