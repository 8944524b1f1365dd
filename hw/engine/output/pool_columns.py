"""Maxima along the rows of a map."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ..design import EngineDesign
from ..layouts import TurnLayout, fired_index
from ..neurons.neuron_line import numbers_layout
from ..program import ADDRESS_BITS, Kind, pass_record
from ..record_layouts import record_layout
from .placed import ColumnLayout
from .pooled_axis import (
    axis_layout,
    first_position,
    is_first,
    is_last,
    next_position,
    window_steps,
)
from .running_maximum import RunningMaximum


class PoolColumns(wiring.Component):
    """The maximum of a row's positions in each of its windows, once it is complete.

    A maximum over a window is that of its rows' maxima, so each position is compared in the windows
    of its row first, one a cycle, and what comes out in those of its column. Without pooling a
    position is a window. What ends a row is given in any case.

    Members:
        header: in; the pass.
        start: in; the pass begins.
        numbers: in, stream of ``TurnLayout`` of ``numbers_layout``.
        maxima: out, stream of ``ColumnLayout``; ``counts`` where they are to be written.
    """

    start: Signal
    numbers: stream.Interface
    maxima: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "start": In(1),
                "numbers": In(stream.Signature(TurnLayout(design, numbers_layout(design)))),
                "maxima": Out(stream.Signature(ColumnLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, header = self.design, self.header
        # What came, and whether its channels are written.
        arrived_layout = data.StructLayout({"turn": self.numbers.payload.shape(), "written": 1})
        m.submodules.arriving = arriving = Queue(arrived_layout, 2, reset_less=True)
        arrived = arriving.output.payload.turn
        arrived_valid, written = arriving.output.valid, arriving.output.payload.written
        tag = arrived.tag
        layout = axis_layout(design)
        columns = Signal(layout)
        counts, free, moves, steps, position_done = (
            Signal(name=name) for name in ("counts", "free", "moves", "steps", "position_done")
        )
        window = window_steps(
            m,
            columns,
            counts=counts,
            steps=steps,
            words=header.pool_column_words,
            out=header.out_pixel,
        )
        done = window.done
        # The position has just changed.
        moved = Signal()
        m.d.comb += [
            arriving.input.valid.eq(self.numbers.valid),
            arriving.input.payload.turn.eq(self.numbers.payload),
            arriving.input.payload.written.eq(self.numbers.payload.tag.index < header.out_turns),
            self.numbers.ready.eq(arriving.input.ready),
            counts.eq(columns.some & written),
            free.eq(moves & ~(moved & tag.last_turn)),
            arriving.output.ready.eq(free & done),
            steps.eq(arrived_valid & free),
            position_done.eq(steps & done & tag.last_turn),
        ]
        m.d.sync += moved.eq(self.start | position_done)
        self._positions(m, columns, tag, position_done)

        m.submodules.maximum = maximum = RunningMaximum(
            design, ColumnLayout(design), design.column_words
        )
        placed_valid = Signal()
        placed = Signal(ColumnLayout(design), reset_less=True)
        slot = Signal.like(columns.slot, reset_less=True)
        turn_number = fired_index(design, tag)
        index = Signal(turn_number.shape(), reset_less=True)
        place, row_ends = Signal(ADDRESS_BITS), Signal()
        m.d.comb += [
            place.eq(tag.index),
            row_ends.eq(done & tag.last_turn & tag.last_window & tag.last_group & tag.row_ends),
        ]
        with m.Switch(header.kind):
            with m.Case(Kind.BYTES):
                m.d.comb += place.eq(tag.index << 1)
            with m.Case(Kind.CURRENTS):
                m.d.comb += place.eq(tag.index << 3)
        with m.If(moves):
            m.d.sync += [
                placed_valid.eq(steps),
                placed["values"].eq(arrived["values"]),
                placed.counts.eq(counts),
                placed.first.eq(is_first(columns, window.following)),
                placed.last.eq(is_last(columns, window.number)),
                placed.along.words.eq(columns.words + window.words + turn_number),
                placed.along.train.at.eq(columns.words + window.words + tag.index),
                placed.along.train.step.eq(tag.train),
                placed.along.address.eq(columns.out + window.out + place),
                placed.along.row_ends.eq(row_ends),
                placed.along.pass_ends.eq(tag.pass_ends & done),
                slot.eq(columns.slot + window.words),
                index.eq(turn_number),
            ]
        m.d.comb += [
            maximum.header.eq(header),
            maximum.moves.eq(moves),
            maximum.valid.eq(placed_valid),
            maximum.element.eq(placed),
            maximum.element.at.eq(
                Mux(slot >= header.pool_open_words, slot - header.pool_open_words, slot) + index
            ),
            moves.eq(~self.maxima.valid | self.maxima.ready),
            self.maxima.valid.eq(
                maximum.found_valid
                & ((maximum.found.counts & maximum.found.last) | maximum.found.along.row_ends)
            ),
            self.maxima.payload.eq(maximum.found),
        ]
        return m

    def _positions(self, m: Module, columns, tag, position_done) -> None:
        """Columns of the numbers' position; a strip's come once for each group."""
        layout = axis_layout(self.design)
        strip, column_first, column_then, following = (
            Signal(layout, name=name) for name in ("strip", "first", "then", "following_column")
        )
        first_position(m, self.header, "column", column_first)
        next_position(m, self.header, "column", columns, following)
        # A cycle late: a position is left two cycles after it was come to, or later.
        m.d.sync += column_then.eq(following)
        with m.If(position_done):
            m.d.sync += columns.eq(column_then)
            with m.If(tag.last_window & ~tag.last_group):
                m.d.sync += columns.eq(strip)
            with m.If(tag.last_window & tag.last_group):
                m.d.sync += strip.eq(column_then)
                with m.If(tag.row_ends):
                    m.d.sync += [columns.eq(column_first), strip.eq(column_first)]
        with m.If(self.start):
            m.d.sync += [columns.eq(column_first), strip.eq(column_first)]
