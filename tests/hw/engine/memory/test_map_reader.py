"""MapReader and RowBuffer: the walker finds every row that it sees, packed as the lanes need it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from amaranth import Module
from amaranth.lib import wiring

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.memory.map_reader import MapReader
from rheobase.hw.engine.memory.row_buffer import RowBuffer
from rheobase.hw.engine.program import source_record
from tests.hw.engine.memory.records import packed
from tests.support.simulation.agents import run_agents
from tests.support.simulation.memory_model import MemoryModel

DESIGN = EngineDesign(lanes=4, buffer_words=256, sources=3)
COLUMNS = DESIGN.buffer_columns


@dataclass(frozen=True)
class SourceMap:
    """A map in memory, the slice of it that is read, and the rows that windows see.

    Attributes:
        pixel_stride, pixel_words, first_word: memory words of a pixel, those read, the first one.
        pixels: of a super pixel.
        supers: super pixels of a row.
        first, reach, step: see ``program.source_record``.
    """

    base: int
    rows: int
    supers: int
    pixels: int
    pixel_stride: int
    pixel_words: int
    first_word: int
    first: int
    reach: int
    step: int
    slots: int
    buffer_base: int
    spare_words: int = 0
    bursts_merged: bool = True

    @property
    def row_stride(self) -> int:
        return self.supers * self.pixels * self.pixel_stride + self.spare_words

    @property
    def super_words(self) -> int:
        return -(-self.pixels * self.pixel_words // COLUMNS)

    def seen(self, window_row: int) -> list[int]:
        """Rows that a row of windows sees."""
        top = window_row * self.step
        return [
            row for row in range(top + self.first, top + self.reach + 1) if 0 <= row < self.rows
        ]

    def record(self) -> dict[str, int]:
        merged = self.pixel_words == self.pixel_stride and self.bursts_merged
        pixels = self.supers * self.pixels
        return {
            "base": self.base + self.first_word,
            "row_stride": self.row_stride,
            "piece_stride": 0 if merged else self.pixel_stride,
            "pieces": 1 if merged else pixels,
            "piece_words": pixels * self.pixel_words if merged else self.pixel_words,
            "supers": self.supers,
            "super_reads": self.pixels * self.pixel_words,
            "rows": self.rows,
            "row_step": self.step,
            "row_reach": self.reach,
            "row_first": self.first,
            "slots": self.slots,
            "slot_words": self.supers * self.super_words,
            "ring_words": self.slots * self.supers * self.super_words,
            "buffer_base": self.buffer_base,
        }

    def buffered(self, words: list[int], row: int) -> list[int]:
        """The words of the row buffer of a row."""
        found = []
        for number in range(self.supers):
            read = []
            for pixel in range(number * self.pixels, (number + 1) * self.pixels):
                start = self.base + row * self.row_stride + pixel * self.pixel_stride
                read += words[start + self.first_word :][: self.pixel_words]
            read += [0] * (self.super_words * COLUMNS - len(read))
            found += [
                sum(word << 32 * column for column, word in enumerate(read[first:][:COLUMNS]))
                for first in range(0, len(read), COLUMNS)
            ]
        return found


class Reader(wiring.Component):
    """Map reader and row buffer, as the engine has them."""

    def __init__(self):
        self.reader, self.buffer = MapReader(DESIGN), RowBuffer(DESIGN)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader, m.submodules.buffer = reader, buffer = self.reader, self.buffer
        m.d.comb += [
            buffer.enables.eq(reader.enables),
            buffer.write_address.eq(reader.address),
            buffer.first_word.eq(reader.first_word),
            buffer.other_word.eq(reader.other_word),
        ]
        return m


class Walker:
    """Starts passes, and looks at every row of each row of windows when it may."""

    def __init__(self, top, passes, memory, rng, gap):
        self.reader, self.buffer = top.reader, top.buffer
        self.passes, self.memory, self.rng, self.gap = passes, memory, rng, gap
        self.todo = self._setup()
        self.looked = 0
        # Addresses whose word comes next, and the words expected.
        self.expected = None

    def _setup(self):
        """A generator of what to do: it is given the context each cycle, in ``offer``."""
        for sources, window_rows in self.passes:
            for index, source in enumerate(sources):
                for part, word in enumerate(packed(source_record(DESIGN), source.record())):
                    yield {"write": 1, "index": index, "part": part, "word": word}
            yield {"go": 1, "count": len(sources), "window_rows": window_rows}
            for row in range(window_rows):
                while True:
                    ready = yield {}
                    if ready > row and self.rng.random() >= self.gap:
                        break
                for source in sources:
                    for number in source.seen(row):
                        words = source.buffered(self.memory.words, number)
                        slot = number % source.slots * source.supers * source.super_words
                        for offset, word in enumerate(words):
                            yield {"read": source.buffer_base + slot + offset, "expected": word}
                yield {"finished": 1}
            assert (yield {}) == window_rows

    def offer(self, context):
        reader = self.reader
        try:
            first = self.looked == 0
            now = self.todo.send(None if first else context.get(reader.rows_ready))
        except StopIteration:
            now, self.passes = {}, []
        self.looked += 1
        context.set(reader.sources.write, now.get("write", 0))
        if "write" in now:
            for name in ("index", "part", "word"):
                context.set(getattr(reader.sources, name), now[name])
        context.set(reader.go, now.get("go", 0))
        if "go" in now:
            context.set(reader.count, now["count"])
            context.set(reader.window_rows, now["window_rows"])
        context.set(reader.row_finished, now.get("finished", 0))
        context.set(self.buffer.read_enable, "read" in now)
        if "read" in now:
            context.set(self.buffer.read_address, now["read"])
        self.asked = now.get("expected")

    def look(self, context):
        if self.expected is not None:
            assert context.get(self.buffer.word) == self.expected
        self.expected = self.asked


#: Kernel 3 with padding; stride 2 of a slice, with two more slots; a crop; all at once in few rows;
#: a kernel of one with stride 3, which skips rows; super pixels.
PASSES = [
    ([SourceMap(10, 6, 5, 1, 2, 2, 0, -1, 1, 1, 3, 0)], 6),
    ([SourceMap(0, 9, 3, 1, 4, 3, 1, -1, 1, 2, 5, 7, spare_words=2)], 5),
    ([SourceMap(3, 8, 4, 1, 5, 5, 0, 2, 3, 1, 2, 0, bursts_merged=False)], 4),
    ([SourceMap(30, 3, 2, 1, 1, 1, 0, -2, 2, 1, 3, 40)], 3),
    ([SourceMap(0, 10, 3, 1, 3, 3, 0, 0, 0, 3, 1, 5)], 4),
    (
        [
            SourceMap(0, 7, 2, 3, 1, 1, 0, -1, 1, 1, 3, 0),
            SourceMap(200, 14, 9, 2, 1, 1, 0, 0, 1, 2, 2, 60),
            SourceMap(1500, 7, 2, 1, 70, 70, 0, 0, 0, 1, 1, 160),
        ],
        7,
    ),
    ([SourceMap(0, 4, 2, 1, 1, 1, 0, -1, 1, 3, 2, 0)], 2),
]


@pytest.mark.parametrize(("gap", "stall"), [(0.0, 0.0), (0.4, 0.4)])
def test_walker_finds_its_rows(gap, stall):
    rng = Random(3)
    top = Reader()
    memory = MemoryModel(top.reader.port, [rng.getrandbits(32) for _ in range(2600)], rng, stall)
    walker = Walker(top, list(PASSES), memory, rng, gap)
    run_agents(top, [memory, walker], lambda: not walker.passes)
    # What no row of windows sees is not read.
    read = sum(count for _, count, _ in memory.commands)
    rows = (
        len({row for y in range(window_rows) for row in source.seen(y)})
        * source.supers
        * source.pixels
        * source.pixel_words
        for sources, window_rows in PASSES
        for source in sources
    )
    assert read == sum(rows)


def test_reads_ahead_as_far_as_there_are_slots():
    """The walker stands still in row 0: of ten rows the five are read that have a slot."""
    rng = Random(0)
    top = Reader()
    memory = MemoryModel(top.reader.port, list(range(100)), rng, 0.0)
    source = SourceMap(0, 10, 2, 1, 4, 4, 0, -1, 1, 1, 5, 0)
    walker = Walker(top, [([source], 10)], memory, rng, 1.0)
    run_agents(top, [memory, walker], lambda: walker.looked >= 200)
    assert [address for address, _, _ in memory.commands] == [0, 8, 16, 24, 32]
