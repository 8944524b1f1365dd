"""Which pooling windows a position's numbers are in."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
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
        room: in; see ``PoolMaximum``.
        valid, pooled: out; ``PooledLayout``. Nothing makes it wait.
    """

    start: Signal
    numbers: stream.Interface
    room: Signal
    valid: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "start": In(1),
                "numbers": In(stream.Signature(TurnLayout(design, numbers_layout(design)))),
                "room": In(1),
                "valid": Out(1),
                "pooled": Out(PooledLayout(design)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        header = self.header
        # What came, and whether its channels are written.
        arrived_layout = data.StructLayout({"turn": self.numbers.payload.shape(), "written": 1})
        m.submodules.arriving = arriving = Queue(arrived_layout, 2, reset_less=True)
        arrived = arriving.output.payload.turn
        arrived_valid, written = arriving.output.valid, arriving.output.payload.written
        tag = arrived.tag
        layout = axis_layout(self.design)
        rows, columns = Signal(layout), Signal(layout)
        given = Signal(PooledLayout(self.design), reset_less=True)
        m.d.comb += self.pooled.eq(given)
        # Number of the window among those that the position is in, and the one after it.
        row, column = Signal(EXTENT_BITS), Signal(EXTENT_BITS)
        next_row, next_column = Signal(EXTENT_BITS, init=1), Signal(EXTENT_BITS, init=1)
        # Of window (row, column), from the first of those that the position is in.
        row_words, column_words = Signal(layout["words"].shape), Signal(layout["words"].shape)
        row_out, column_out = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        counts, last_column, done, steps, placed_valid = (
            Signal(name=name) for name in ("counts", "last_column", "done", "steps", "placed_valid")
        )
        # Whether the window is the last one of its axis, where it is not the first.
        first_row, first_column = Signal(init=1), Signal(init=1)
        later_last_row, later_last_column, last_row = Signal(), Signal(), Signal()
        # Rows and columns have just changed.
        moved = Signal()
        free = Signal()
        m.d.comb += [
            counts.eq(rows.some & columns.some & written),
            last_column.eq(Mux(first_column, columns.single, later_last_column)),
            last_row.eq(Mux(first_row, rows.single, later_last_row)),
            done.eq(~counts | (last_column & last_row)),
            free.eq(self.room & ~(moved & tag.last_turn)),
            self.numbers.ready.eq(arriving.input.ready),
            arriving.input.valid.eq(self.numbers.valid),
            arriving.input.payload.turn.eq(self.numbers.payload),
            arriving.input.payload.written.eq(self.numbers.payload.tag.index < header.out_turns),
            arriving.output.ready.eq(free & done),
            steps.eq(arrived_valid & free),
        ]
        with m.If(steps):
            with m.If(done):
                m.d.sync += [
                    row.eq(0),
                    next_row.eq(1),
                    first_row.eq(1),
                    row_words.eq(0),
                    row_out.eq(0),
                ]
            with m.Elif(last_column):
                m.d.sync += [
                    row.eq(next_row),
                    next_row.eq(next_row + 1),
                    first_row.eq(0),
                    later_last_row.eq(next_row + 1 == rows.count),
                    row_words.eq(row_words + header.pool_row_words),
                    row_out.eq(row_out + header.out_row),
                ]
            with m.If(done | last_column):
                m.d.sync += [
                    column.eq(0),
                    next_column.eq(1),
                    first_column.eq(1),
                    column_words.eq(0),
                    column_out.eq(0),
                ]
            with m.Else():
                m.d.sync += [
                    column.eq(next_column),
                    next_column.eq(next_column + 1),
                    first_column.eq(0),
                    later_last_column.eq(next_column + 1 == columns.count),
                    column_words.eq(column_words + header.pool_column_words),
                    column_out.eq(column_out + header.out_pixel),
                ]
        m.d.sync += moved.eq(self.start | (steps & done & tag.last_turn))
        self._positions(m, rows, columns, tag, steps & done & tag.last_turn)

        # Rows' and columns' parts of where the numbers go, and then their sums.
        placed = Signal(PooledLayout(self.design), reset_less=True)
        in_ring, in_row = (
            Signal(layout["words"].shape, name=name, reset_less=True)
            for name in ("in_ring", "in_row")
        )
        column_address = Signal(ADDRESS_BITS, reset_less=True)
        slot = Signal.like(in_ring)
        place = Signal(ADDRESS_BITS)
        m.d.comb += [
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
        m.d.sync += [
            placed_valid.eq(steps),
            placed["values"].eq(arrived["values"]),
            in_ring.eq(rows.words + row_words),
            in_row.eq(columns.words + column_words + tag.index),
            placed.address.eq(rows.out + row_out),
            column_address.eq(columns.out + column_out + place),
            placed.counts.eq(counts),
            placed.first.eq(is_first(rows, next_row) & is_first(columns, next_column)),
            placed.last.eq(is_last(rows, row) & is_last(columns, column)),
            placed.pass_ends.eq(tag.pass_ends & done),
            self.valid.eq(placed_valid),
            given.eq(placed),
            given.at.eq(slot + in_row),
            given.address.eq(placed.address + column_address),
        ]
        return m

    def _positions(self, m: Module, rows, columns, tag, window_done) -> None:
        """Rows and columns of the numbers' position; a strip's come once for each group."""
        header = self.header
        layout = axis_layout(self.design)
        strip, row_first, column_first, row_then, column_then = (
            Signal(layout, name=name)
            for name in ("strip", "row_first", "column_first", "row_then", "column_then")
        )
        first_position(m, header, "row", row_first)
        first_position(m, header, "column", column_first)
        # A cycle late: a position is left two cycles after it was come to, or later.
        for axis, now, then in (("row", rows, row_then), ("column", columns, column_then)):
            following = Signal(layout, name=f"{axis}_following")
            next_position(m, header, axis, now, following)
            m.d.sync += then.eq(following)
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
