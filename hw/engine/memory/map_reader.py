"""Map reader: the maps of a pass, row by row, from the memory into the row buffer."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, flipped

from ...basics.queue import Queue
from ...basics.shapes import index_shape
from ...basics.widths import count_bits
from ..design import WORD_BITS, EngineDesign
from ..memory_port import MemoryPort
from ..program import EXTENT_BITS
from .row_bursts import RowBursts
from .row_filler import RowFiller
from .row_job import RowFillLayout
from .row_scheduler import RowScheduler
from .table_port import TableWordsPort

#: Rows that are asked for and not complete.
ROWS_UNDER_WAY = 16


class MapReader(wiring.Component):
    """Keeps the row buffer filled, as far ahead of the walker as it has slots.

    See ``RowScheduler`` for which rows, ``RowFiller`` for where their words go.

    Members:
        port: out, memory port.
        sources: in, ``TableWordsPort``; the table of sources, written before ``go``.
        go: in; rows may be read: of ``count`` sources, ``window_rows`` rows of windows.
        count, window_rows: in; they stand still until the pass is over.
        row_finished: in; the walker is done with a row of windows.
        rows_ready: out; rows of windows of the pass that have all their rows in the row buffer.
        enables, address, first_word, other_word: out; write port of the row buffer.
    """

    port: wiring.PureInterface
    sources: wiring.PureInterface
    go: Signal
    count: Signal
    window_rows: Signal
    row_finished: Signal
    rows_ready: Signal
    enables: Signal
    address: Signal
    first_word: Signal
    other_word: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        super().__init__(
            {
                "port": Out(MemoryPort()),
                "sources": In(TableWordsPort(design, "sources")),
                "go": In(1),
                "count": In(count_bits(design.sources)),
                "window_rows": In(EXTENT_BITS),
                "row_finished": In(1),
                "rows_ready": Out(EXTENT_BITS),
                "enables": Out(design.buffer_columns),
                "address": Out(index_shape(design.buffer_words)),
                "first_word": Out(WORD_BITS),
                "other_word": Out(WORD_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.scheduler = scheduler = RowScheduler(self.design)
        m.submodules.bursts = bursts = RowBursts()
        m.submodules.fills = fills = Queue(RowFillLayout(self.design), ROWS_UNDER_WAY)
        m.submodules.filler = filler = RowFiller(self.design)
        wiring.connect(m, flipped(self.sources), scheduler.sources)
        wiring.connect(m, scheduler.bursts, bursts.rows)
        wiring.connect(m, scheduler.fills, fills.input)
        wiring.connect(m, fills.output, filler.fills)
        wiring.connect(m, bursts.commands, flipped(self.port.commands))
        wiring.connect(m, flipped(self.port.read), filler.words)
        m.d.comb += [
            scheduler.go.eq(self.go),
            scheduler.count.eq(self.count),
            scheduler.window_rows.eq(self.window_rows),
            scheduler.row_finished.eq(self.row_finished),
            filler.go.eq(self.go),
        ]
        for name in ("rows_ready", "enables", "address", "first_word", "other_word"):
            m.d.comb += getattr(self, name).eq(getattr(filler, name))
        return m
