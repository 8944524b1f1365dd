"""The order in which a pass computes: strips, chunks, groups, windows, turns."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import count_shape, index_shape
from ...folded.own_register import OwnRegister
from ..design import EngineDesign
from ..layouts import TurnTagLayout
from ..memory.table_port import TablePort
from ..program import chunk_record, pass_record
from ..record_layouts import record_layout

#: What of a pass the order depends on.
_OF_THE_PASS = ("rows", "columns", "strip", "chunks", "groups", "turns")


class TurnOrder(wiring.Component):
    """Names every turn of a pass, one a cycle.

    ::

        for each row, for each strip of it
          for each chunk, for each group, for each window of the strip
            for each turn of F neurons

    Members:
        header: in; the pass, stable from a cycle before ``start`` until its last turn.
        chunks: in, ``TablePort``.
        start: in; the pass begins.
        tags: out, stream of ``TurnTagLayout``.
    """

    start: Signal
    chunks: wiring.PureInterface
    tags: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        self.chunk_layout = record_layout(chunk_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "chunks": In(TablePort(design, "chunks")),
                "start": In(1),
                "tags": Out(stream.Signature(TurnTagLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, tag = self.design, self.tags.payload
        # Parts that look at the pass lie far from one another: a register of it close by.
        layout = data.StructLayout({name: self.header[name].shape() for name in _OF_THE_PASS})
        m.submodules.own_header = own_header = OwnRegister(layout.size)
        m.d.comb += own_header.next.eq(Cat(self.header[name] for name in _OF_THE_PASS))
        header = layout(own_header.now)
        m.submodules.table = chunks = memory.Memory(
            shape=self.chunk_layout, depth=design.segments, init=[]
        )
        write, read = chunks.write_port(), chunks.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.chunks.index),
            write.data.eq(self.chunks.record),
            write.en.eq(self.chunks.write),
        ]
        chunk = Signal(index_shape(design.segments))
        group = Signal(index_shape(design.groups))
        window = Signal(index_shape(design.windows))
        turn = Signal(index_shape(design.turns))
        index = Signal(index_shape(design.groups * design.turns))
        group_index = Signal.like(index)
        rows_left = Signal.like(header.rows)
        columns_left = Signal.like(header.columns)
        strip = Signal(count_shape(design.windows))
        # What is left of the row, and with it where its strip ends, when the next strip begins.
        following = Signal.like(columns_left)
        # Turns that neurons have fired in, of the window's steps before.
        steps_before = Signal.like(tag.step_index)
        last_row, last_chunk, last_group, strip_ends = Signal(), Signal(), Signal(), Signal()
        row_ends = Signal()
        last_window = Signal.like(window)
        moves = Signal()
        m.d.comb += [
            following.eq(
                Mux(self.start | tag.row_ends, header.columns, columns_left - header.strip)
            ),
            # A row's last strip may be shorter.
            strip.eq(Mux(following <= header.strip, following, header.strip)),
            tag.row_ends.eq(row_ends),
            last_row.eq(rows_left == 1),
            last_chunk.eq(chunk == header.chunks - 1),
            read.addr.eq(chunk),
            tag.index.eq(index),
            tag.first_chunk.eq(chunk == 0),
            tag.last_chunk.eq(last_chunk),
            tag.step_index.eq(steps_before + index),
            tag.fires.eq(read.data.fires),
            tag.level.eq(read.data.level),
            tag.odd.eq(read.data.odd_shift),
            tag.train.first.eq(read.data.first_step),
            tag.train.ends_digit.eq(read.data.ends_digit),
            tag.train.digit.eq(read.data.digit),
            tag.last_turn.eq(turn == header.turns - 1),
            tag.last_window.eq(window == last_window),
            last_group.eq(group == header.groups - 1),
            tag.last_group.eq(last_group & last_chunk),
            strip_ends.eq(tag.last_turn & tag.last_window & tag.last_group),
            tag.pass_ends.eq(strip_ends & tag.row_ends & last_row),
            moves.eq(self.tags.valid & self.tags.ready),
        ]
        with m.If(self.start):
            m.d.sync += [
                self.tags.valid.eq(1),
                rows_left.eq(header.rows),
            ]
        with m.If(self.start | (moves & strip_ends)):
            m.d.sync += [
                columns_left.eq(following),
                row_ends.eq(following <= header.strip),
                last_window.eq(strip - 1),
            ]
        with m.If(moves):
            m.d.sync += [turn.eq(turn + 1), index.eq(index + 1)]
            with m.If(tag.last_turn):
                m.d.sync += [turn.eq(0), window.eq(window + 1), index.eq(group_index)]
                with m.If(tag.last_window):
                    m.d.sync += [window.eq(0), group.eq(group + 1)]
                    m.d.sync += [index.eq(index + 1), group_index.eq(index + 1)]
                    with m.If(last_group):
                        m.d.sync += [group.eq(0), chunk.eq(Mux(last_chunk, 0, chunk + 1))]
                        with m.If(last_chunk):
                            m.d.sync += steps_before.eq(0)
                        with m.Elif(tag.fires):
                            m.d.sync += steps_before.eq(tag.step_index + 1)
                        m.d.sync += [index.eq(0), group_index.eq(0)]
            with m.If(strip_ends & tag.row_ends):
                m.d.sync += rows_left.eq(rows_left - 1)
            with m.If(tag.pass_ends):
                m.d.sync += self.tags.valid.eq(0)
        return m
