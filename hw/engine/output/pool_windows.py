"""Which pooling windows a position's numbers are in."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.payload_register import payload_register
from ..design import EngineDesign
from ..layouts import TurnLayout
from ..neurons.neuron_line import numbers_layout
from ..program import ADDRESS_BITS, EXTENT_BITS, Kind, pass_record
from ..record_layouts import record_layout
from .placed import PooledLayout
from .pooled_axis import axis_layout, first_position, is_first, is_last, next_position


class PoolWindows(wiring.Component):
    """Gives a turn's numbers once for each window that they are in, one a cycle.

    Without pooling that is once. Numbers in no window, or of channels that are not written, are
    given once and do not count.

    Members:
        header: in; the pass.
        start: in; the pass begins.
        numbers: in, stream of ``TurnLayout`` of ``numbers_layout``.
        pooled: out, stream of ``PooledLayout``.
    """

    start: Signal
    numbers: stream.Interface
    pooled: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "start": In(1),
                "numbers": In(stream.Signature(TurnLayout(design, numbers_layout(design)))),
                "pooled": Out(stream.Signature(PooledLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        header, numbers, tag = self.header, self.numbers, self.numbers.payload.tag
        layout = axis_layout(self.design)
        rows, columns = Signal(layout), Signal(layout)
        given = payload_register(m, self.pooled.payload, "given")
        row, column = Signal(EXTENT_BITS), Signal(EXTENT_BITS)
        # Of window (row, column), from the first of those that the position is in.
        row_words, column_words = Signal(layout["words"].shape), Signal(layout["words"].shape)
        row_out, column_out = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        counts, last_column, done, moves, steps = (
            Signal(name=name) for name in ("counts", "last_column", "done", "moves", "steps")
        )
        m.d.comb += [
            counts.eq((rows.count != 0) & (columns.count != 0) & (tag.index < header.out_turns)),
            last_column.eq(column + 1 >= columns.count),
            done.eq(~counts | (last_column & (row + 1 >= rows.count))),
            moves.eq(~self.pooled.valid | self.pooled.ready),
            numbers.ready.eq(moves & done),
            steps.eq(numbers.valid & moves),
        ]
        with m.If(steps):
            with m.If(done):
                m.d.sync += [row.eq(0), row_words.eq(0), row_out.eq(0)]
            with m.Elif(last_column):
                m.d.sync += [
                    row.eq(row + 1),
                    row_words.eq(row_words + header.pool_row_words),
                    row_out.eq(row_out + header.out_row),
                ]
            with m.If(done | last_column):
                m.d.sync += [column.eq(0), column_words.eq(0), column_out.eq(0)]
            with m.Else():
                m.d.sync += [
                    column.eq(column + 1),
                    column_words.eq(column_words + header.pool_column_words),
                    column_out.eq(column_out + header.out_pixel),
                ]
        self._positions(m, rows, columns, steps & done & tag.last_turn)

        in_ring = Signal(layout["words"].shape)
        slot = Signal.like(in_ring)
        place = Signal(ADDRESS_BITS)
        m.d.comb += [
            in_ring.eq(rows.words + row_words),
            slot.eq(
                Mux(in_ring >= header.pool_ring_words, in_ring - header.pool_ring_words, in_ring)
            ),
            place.eq(tag.index),
        ]
        with m.Switch(header.kind):
            with m.Case(Kind.BYTES):
                m.d.comb += place.eq(tag.index << 1)
            with m.Case(Kind.CURRENTS):
                m.d.comb += place.eq(tag.index << 3)
        with m.If(moves):
            m.d.sync += [
                self.pooled.valid.eq(numbers.valid),
                given["values"].eq(numbers.payload["values"]),
                given.at.eq(slot + columns.words + column_words + tag.index),
                given.address.eq(rows.out + row_out + columns.out + column_out + place),
                given.counts.eq(counts),
                given.first.eq(is_first(rows, row) & is_first(columns, column)),
                given.last.eq(is_last(rows, row) & is_last(columns, column)),
                given.pass_ends.eq(tag.pass_ends & done),
            ]
        return m

    def _positions(self, m: Module, rows, columns, window_done) -> None:
        """Rows and columns of the numbers' position; a strip's come once for each group."""
        header, tag = self.header, self.numbers.payload.tag
        layout = axis_layout(self.design)
        strip, row_first, column_first, row_then, column_then = (
            Signal(layout, name=name)
            for name in ("strip", "row_first", "column_first", "row_then", "column_then")
        )
        first_position(m, header, "row", row_first)
        first_position(m, header, "column", column_first)
        next_position(m, header, "row", rows, row_then)
        next_position(m, header, "column", columns, column_then)
        with m.If(window_done):
            m.d.sync += columns.eq(column_then)
            with m.If(tag.last_window & ~tag.last_group):
                m.d.sync += columns.eq(strip)
            with m.If(tag.last_window & tag.last_group):
                m.d.sync += strip.eq(column_then)
                with m.If(tag.row_ends):
                    m.d.sync += [
                        columns.eq(column_first),
                        strip.eq(column_first),
                        rows.eq(row_then),
                    ]
        with m.If(self.start):
            m.d.sync += [
                rows.eq(row_first),
                columns.eq(column_first),
                strip.eq(column_first),
            ]
