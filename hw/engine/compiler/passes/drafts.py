"""A pass before its maps have addresses: what it reads, its tables' entries and its weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .....golden.basics.arithmetic import ceil_div
from .....golden.errors import RheobaseError
from ...design import WORD_DIGITS, EngineDesign
from ...program import EXTENT_BITS
from ...words import group_turns
from ..maps.positions import Positions
from ..maps.readings import Reading
from ..maps.stored_maps import ImageView, Source, SuperPixel
from .chunks import Chunk, Part
from .operations import Phases, RowOperations


@dataclass(frozen=True)
class PassSteps:
    """Time steps of a pass.

    Attributes:
        summed: those whose events are summed up one after another; in ``radix``, where a number is
            seen whole, step 0 alone.
        each_fires: neurons fire in each of them, and not in the last alone.
    """

    summed: tuple[int, ...] = (0,)
    each_fires: bool = False

    @property
    def fired(self) -> tuple[int, ...]:
        """Those in which neurons fire."""
        return self.summed if self.each_fires else self.summed[-1:]


@dataclass(frozen=True)
class Block:
    """Channels of a layer that a pass computes.

    Attributes:
        layer: its index.
        name: its name.
        first, end: channels; ``first`` is a multiple of F.
        steps: of the layer.
    """

    layer: int
    name: str
    first: int
    end: int
    steps: PassSteps = PassSteps()

    @property
    def where(self) -> str:
        return f"layer {self.name!r}"

    @property
    def out_turns(self) -> int:
        """Turns, of F channels each, that are written."""
        return ceil_div(self.end - self.first, WORD_DIGITS)

    def groups(self, design: EngineDesign) -> int:
        return ceil_div(self.end - self.first, design.neurons)

    def turns(self, design: EngineDesign) -> int:
        """Of each group: channels are shared out among groups, F by F."""
        return max(design.fewest_turns, ceil_div(self.out_turns, self.groups(design)))


@dataclass(frozen=True, eq=False)
class DraftSource:
    """A map, or a slice of its channels, that a pass reads.

    Attributes:
        source: the map.
        first_word, pixel_words: of each pixel that are read; 0 and all of an image's super pixel.
        pixel: a super pixel.
        supers: of a row.
        row_step: rows from one row of windows to the next.
        row_first, row_reach: offsets of the first and the last row that windows in row 0 see.
        slots: rows that the row buffer keeps.
    """

    source: Source
    first_word: int
    pixel_words: int
    pixel: SuperPixel
    supers: int
    row_step: int
    row_first: int
    row_reach: int
    slots: int

    @property
    def slot_words(self) -> int:
        return self.supers * self.pixel.words

    @property
    def fewest_slots(self) -> int:
        return min(self.row_reach - self.row_first + 1, self.source.rows)

    @property
    def read_words(self) -> int:
        """Memory words of a row."""
        return self.supers * self.pixel.reads

    @property
    def pieces(self) -> int:
        """Pieces without gaps that a row is read in: all of it, or each pixel."""
        source = self.source
        of_pixel = source.super_reads if isinstance(source, ImageView) else source.pixel_words
        if self.pixel_words == of_pixel and self.read_words < 1 << EXTENT_BITS:
            return 1
        return self.supers * (1 if isinstance(source, ImageView) else self.pixel.pixels)

    @property
    def piece_words(self) -> int:
        """Memory words of each."""
        return self.read_words // self.pieces


@dataclass(frozen=True, eq=False)
class Seen:
    """A reading in a pass.

    Attributes:
        source: number of what it sees among the pass's sources.
        operations: in each row.
        channels: first and end of the source's that it sees.
        digits: of its weights.
        addresses: of the lanes' weights: the first for each digit, lowest digit first.
    """

    reading: Reading
    source: int
    operations: RowOperations
    channels: tuple[int, int]
    digits: int
    addresses: tuple[int, ...]

    @property
    def span(self) -> int:
        """Addresses of a digit's weights."""
        return self.operations.span * len(self.reading.rows.counts)


@dataclass(frozen=True, eq=False)
class Draft:
    """A pass.

    Attributes:
        block: what it computes.
        positions: in front of pooling.
        sources: what it reads.
        seen: its readings.
        weight_stride: words of a lane's memory for a group.
        chunks: of a window.
        strip: windows of a strip.
        weights: int64, (groups, weight_stride, lanes, group_channels); None in a sketch.
        sum_bits: that lanes' sums may take; 0 in a sketch.
    """

    design: EngineDesign
    block: Block
    positions: Positions
    sources: tuple[DraftSource, ...]
    seen: tuple[Seen, ...]
    weight_stride: int
    chunks: tuple[Chunk, ...]
    strip: int
    weights: np.ndarray | None = None
    sum_bits: int = 0

    @property
    def groups(self) -> int:
        return self.block.groups(self.design)

    @property
    def turns(self) -> int:
        """Of a group."""
        return self.block.turns(self.design)

    @property
    def fired_turns(self) -> int:
        """Turns of a window, of all steps in which neurons fire."""
        return self.groups * self.turns * len(self.block.steps.fired)

    @property
    def group_turns(self) -> list[int]:
        """Turns of each group that have channels."""
        return group_turns(self.turns, self.groups, self.block.out_turns)

    @property
    def group_channels(self) -> int:
        """Of a group, with those that the block does not have."""
        return self.turns * self.design.firing

    @property
    def weight_words(self) -> int:
        return self.groups * self.weight_stride

    @property
    def segments(self) -> tuple[Part, ...]:
        """Parts of all chunks."""
        return tuple(part for chunk in self.chunks for part in chunk.parts)

    @property
    def records(self) -> dict[str, int]:
        """Records of the pass's tables, by their names."""
        return {
            "chunks": len(self.chunks),
            "sources": len(self.sources),
            "segments": len(self.segments),
            "row_entries": sum(len(part.rows) for part in self.segments),
            "operations": sum(
                len(phase) for phases in operation_lists(self.segments) for phase in phases
            ),
            "parameters": self.fired_turns,
        }

    @property
    def pool_open_words(self) -> int:
        """Words of the columns' memory for all windows of a row that are under way at a time."""
        pool = self.positions.column_pool
        return self.fired_turns * ceil_div(pool.kernel, pool.stride)

    @property
    def pool_row_words(self) -> int:
        """Words of the pool's memory for a pooled row."""
        windows = self.positions.column_pool.windows
        return windows * self.fired_turns if self.positions.pools else 0

    @property
    def pool_ring_words(self) -> int:
        """And for all pooled rows that are under way at a time."""
        pool = self.positions.row_pool
        return self.pool_row_words * ceil_div(pool.kernel, pool.stride)


def operation_lists(segments: Iterable[Part]) -> list[Phases]:
    """Lists of operations of a pass's segments, each once."""
    return list(dict.fromkeys(part.phases for part in segments))


def check_limit(block: Block, limit: str, value: int, most: int, what: str) -> None:
    if value > most:
        raise RheobaseError(f"{block.where}: {what} are {value}, must be at most {most} ({limit})")
