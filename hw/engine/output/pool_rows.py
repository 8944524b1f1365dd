"""Which windows the maxima of a row are in."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ..design import EngineDesign
from ..program import ADDRESS_BITS, pass_record
from ..record_layouts import record_layout
from .placed import ColumnLayout, PooledLayout
from .pooled_axis import (
    axis_layout,
    first_position,
    is_first,
    is_last,
    next_position,
    window_steps,
)


class PoolRows(wiring.Component):
    """Gives a row's maxima once for each row of windows that they are in, one a cycle.

    Without pooling that is once. Numbers in no window, or of channels that are not written, are
    given once and do not count.

    Members:
        header: in; the pass.
        start: in; the pass begins.
        maxima: in, stream of ``ColumnLayout``.
        room: in; see ``PoolMaximum``.
        valid, pooled: out; ``PooledLayout``. Nothing makes it wait.
    """

    start: Signal
    maxima: stream.Interface
    room: Signal
    valid: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "start": In(1),
                "maxima": In(stream.Signature(ColumnLayout(design))),
                "room": In(1),
                "valid": Out(1),
                "pooled": Out(PooledLayout(design)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        header = self.header
        # Whether a maximum leaves comes late for what is in front.
        m.submodules.arriving = arriving = Queue(ColumnLayout(self.design), 2, reset_less=True)
        wiring.connect(m, wiring.flipped(self.maxima), arriving.input)
        arrived, along = arriving.output.payload, arriving.output.payload.along
        layout = axis_layout(self.design)
        rows = Signal(layout)
        counts, free, steps, row_done = (
            Signal(name=name) for name in ("counts", "free", "steps", "row_done")
        )
        window = window_steps(
            m, rows, counts=counts, steps=steps, words=header.pool_row_words, out=header.out_row
        )
        done = window.done
        # The row has just changed.
        moved = Signal()
        m.d.comb += [
            counts.eq(rows.some & arrived.counts),
            free.eq(self.room & ~(moved & along.row_ends)),
            arriving.output.ready.eq(free & done),
            steps.eq(arriving.output.valid & free),
            row_done.eq(steps & done & along.row_ends),
        ]
        m.d.sync += moved.eq(self.start | row_done)
        self._positions(m, rows, row_done)

        # The row's part of where the numbers go, and then the sums with the column's.
        placed_valid = Signal()
        placed = Signal(PooledLayout(self.design), reset_less=True)
        given = Signal(PooledLayout(self.design), reset_less=True)
        in_ring = Signal(layout["words"].shape, reset_less=True)
        in_row = Signal.like(along.words, reset_less=True)
        in_row_address = Signal(ADDRESS_BITS, reset_less=True)
        in_row_train = Signal(along.train.shape(), reset_less=True)
        slot = Signal.like(in_ring)
        m.d.comb += [
            slot.eq(
                Mux(in_ring >= header.pool_ring_words, in_ring - header.pool_ring_words, in_ring)
            ),
            self.pooled.eq(given),
        ]
        m.d.sync += [
            placed_valid.eq(steps),
            placed["values"].eq(arrived["values"]),
            in_ring.eq(rows.words + window.words),
            in_row.eq(along.words),
            placed.along.address.eq(rows.out + window.out),
            in_row_address.eq(along.address),
            in_row_train.eq(along.train),
            placed.counts.eq(counts),
            placed.first.eq(is_first(rows, window.following)),
            placed.last.eq(is_last(rows, window.number)),
            placed.along.pass_ends.eq(along.pass_ends & done),
            self.valid.eq(placed_valid),
            given.eq(placed),
            given.at.eq(slot + in_row),
            given.along.address.eq(placed.along.address + in_row_address),
            given.along.train.at.eq(slot + in_row_train.at),
            given.along.train.step.eq(in_row_train.step),
        ]
        return m

    def _positions(self, m: Module, rows, row_done) -> None:
        """The numbers' row."""
        layout = axis_layout(self.design)
        row_first, row_then, following = (
            Signal(layout, name=name) for name in ("row_first", "row_then", "following_row")
        )
        first_position(m, self.header, "row", row_first)
        next_position(m, self.header, "row", rows, following)
        # A cycle late: a row is left two cycles after it was come to, or later.
        m.d.sync += row_then.eq(following)
        with m.If(row_done):
            m.d.sync += rows.eq(row_then)
        with m.If(self.start):
            m.d.sync += rows.eq(row_first)
