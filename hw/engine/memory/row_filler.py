"""Row filler: the words of rows into the row buffer."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import index_shape
from ..design import WORD_BITS, EngineDesign
from ..program import EXTENT_BITS
from .row_job import RowFillLayout


class RowFiller(wiring.Component):
    """Places memory words in the columns of the row buffer's words.

    A super pixel begins in a word's first column. With that column the others become zero, so that
    nothing is left over behind a super pixel's end.

    Members:
        fills: in, stream of ``RowFillLayout``.
        words: in, stream; memory words of those rows.
        go: in; a pass begins.
        rows_ready: out; rows of windows of the pass that have all their rows in the row buffer.
        enables: out; columns that are written.
        address: out; of the row buffer.
        first_word, other_word: out; what the first column gets, and what the others get.
    """

    fills: stream.Interface
    words: stream.Interface
    go: Signal
    rows_ready: Signal
    enables: Signal
    address: Signal
    first_word: Signal
    other_word: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        super().__init__(
            {
                "fills": In(stream.Signature(RowFillLayout(design))),
                "words": In(stream.Signature(WORD_BITS)),
                "go": In(1),
                "rows_ready": Out(EXTENT_BITS),
                "enables": Out(design.buffer_columns),
                "address": Out(index_shape(design.buffer_words)),
                "first_word": Out(WORD_BITS),
                "other_word": Out(WORD_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        columns = self.design.buffer_columns
        fill = self.fills.payload
        # The row under way; ``fill`` stays what it is until the row's last word has come.
        active = Signal()
        address = Signal.like(self.address, reset_less=True)
        supers = Signal(EXTENT_BITS, reset_less=True)
        reads = Signal(EXTENT_BITS, reset_less=True)
        column = Signal(columns, init=1)
        super_ends = Signal()
        row_ends = Signal()
        takes = Signal()
        m.d.comb += [
            self.words.ready.eq(active),
            takes.eq(self.words.valid & active),
            super_ends.eq(reads == 1),
            row_ends.eq(super_ends & (supers == 1)),
            self.fills.ready.eq(Mux(active, takes & row_ends, self.fills.valid & fill.complete)),
        ]
        with m.If(takes):
            m.d.sync += [reads.eq(reads - 1), column.eq(column.rotate_left(1))]
            with m.If(super_ends):
                m.d.sync += [reads.eq(fill.super_reads), supers.eq(supers - 1), column.eq(1)]
            with m.If(super_ends | column[-1]):
                m.d.sync += address.eq(address + 1)
            with m.If(row_ends):
                m.d.sync += active.eq(0)
        with m.If(~active):
            m.d.sync += [
                active.eq(self.fills.valid & ~fill.complete),
                address.eq(fill.address),
                supers.eq(fill.supers),
                reads.eq(fill.super_reads),
            ]
            with m.If(self.fills.valid & fill.complete):
                m.d.sync += self.rows_ready.eq(self.rows_ready + 1)
        with m.If(self.go):
            m.d.sync += self.rows_ready.eq(0)

        # Of a word that is written anew only the first column counts.
        begins = column[0]
        m.d.sync += [
            self.enables.eq(Mux(takes, column | begins.replicate(columns), 0)),
            self.address.eq(address),
            self.first_word.eq(self.words.payload),
            self.other_word.eq(Mux(begins, 0, self.words.payload)),
        ]
        return m
