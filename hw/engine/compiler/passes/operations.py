"""Words of the row buffer that a window sees, and where the weights of each lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ..maps.stored_maps import SuperPixel
from ..maps.taps import Taps


@dataclass(frozen=True, eq=False)
class WeightBlock:
    """Weights of the digits of a word, for one row of the kernel.

    Attributes:
        address: of the weights of the lanes' lowest digits, in the row.
        digit, lane: of each digit that has weights.
        channel, column: which input channel and kind of column (``Taps.kinds``) it is.
    """

    address: int
    digit: np.ndarray
    lane: np.ndarray
    channel: np.ndarray
    column: np.ndarray


@dataclass(frozen=True, eq=False)
class Operation:
    """A word that a window sees in each of its rows.

    Attributes:
        super_offset: of its super pixel, from the window's.
        mark: of what must lie in the map in its place.
        word: its number in the super pixel.
        mask: (lanes,), those that have weights for it.
        counts: (digits of a lane,), those for which some lane has weights.
        bits: (digits of a lane, lanes) that may be set, of both.
        block: number of its weights; None where no lane has any.
    """

    super_offset: int
    mark: int
    word: int
    mask: np.ndarray
    counts: np.ndarray
    bits: np.ndarray
    block: int | None

    @cached_property
    def events(self) -> np.ndarray:
        """Most events of each lane."""
        return self.bits.sum(axis=0)

    @cached_property
    def digits(self) -> np.ndarray:
        """Which digits of a lane may have set bits."""
        return np.flatnonzero(self.bits.any(axis=1))

    @cached_property
    def worth(self) -> np.ndarray:
        """Numbers that each of these digits may be: (digits, lanes)."""
        return 1 << self.bits[self.digits]


#: Of each phase, in order.
Phases = tuple[tuple[Operation, ...], ...]


@dataclass(frozen=True, eq=False)
class RowOperations:
    """What the windows of a row of windows see in one row of a source.

    Attributes:
        super_start: super pixel of the window in column 0.
        phases: operations of the windows in column 0, 1, ..., until they repeat.
        advances: super pixels from the window of a phase to the next.
        blocks: weights; several operations may have the same.
        span: addresses that the blocks of one row take.
    """

    super_start: int
    phases: Phases
    advances: tuple[int, ...]
    blocks: tuple[WeightBlock, ...]
    span: int


def row_operations(pixel: SuperPixel, columns: Taps, channels: tuple[int, int]) -> RowOperations:
    """Operations of windows with ``columns`` that see ``channels`` (first, end) of a source."""
    period = pixel.pixels // math.gcd(pixel.pixels, columns.step)
    seen = (pixel.channel >= channels[0]) & (pixel.channel < channels[1])
    blocks: list[WeightBlock] = []
    numbers: dict[bytes, int] = {}
    span = 0
    phases: list[tuple[Operation, ...]] = []
    bases = [(phase * columns.step + columns.first) // pixel.pixels for phase in range(period + 1)]
    for phase in range(period):
        operations = []
        for number, mark, of_pixel in _seen_supers(pixel.pixels, columns, phase * columns.step):
            column = np.where(seen, of_pixel[pixel.pixel], -1)
            for word in np.flatnonzero((column >= 0).any(axis=(1, 2))):
                used = column[word] >= 0
                mask, counts = used.any(axis=0), used.any(axis=1)
                bits = np.where(mask & counts[:, None], pixel.bits[word], 0)
                key = word.tobytes() + column[word].tobytes()
                if key not in numbers:
                    numbers[key] = len(blocks)
                    occupied = np.flatnonzero(bits.any(axis=1))
                    # The lowest digit's address is no negative number, even if nothing is there.
                    address = max(span - int(occupied[0]), 0)
                    digit, lane = np.nonzero(used)
                    blocks.append(
                        WeightBlock(
                            address,
                            digit,
                            lane,
                            pixel.channel[word][digit, lane],
                            column[word][digit, lane],
                        )
                    )
                    span = address + int(occupied[-1]) + 1
                operations.append(
                    Operation(
                        number - bases[phase], mark - bases[phase], int(word), mask, counts, bits,
                        numbers[key],
                    )
                )  # fmt: skip
        if not operations:
            nothing = np.zeros_like(pixel.bits[0])
            operations.append(
                Operation(0, 0, 0, nothing.any(axis=0), nothing.any(axis=1), nothing, None)
            )
        phases.append(tuple(operations))
    return RowOperations(
        super_start=bases[0],
        phases=tuple(phases),
        advances=tuple(after - before for before, after in pairwise(bases)),
        blocks=tuple(blocks),
        span=span,
    )


def _seen_supers(pixels: int, columns: Taps, start: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Super pixels that a window from column ``start`` on sees.

    Yields:
        The number of each, of what must lie in the map in its place, and which kind of column each
        of its pixels is to the window: int64, (pixels + 1,), -1 of none. The last is for digits
        that are of no pixel.
    """
    if columns.marks is not None:
        if pixels > 1:
            raise ValueError("columns that are seen or not by marks have super pixels of their own")
        for offset, kind, mark in zip(columns.offsets, columns.kinds, columns.marks, strict=True):
            yield start + offset, start + mark, np.array([kind, -1])
        return
    kinds = dict(zip(columns.offsets, columns.kinds, strict=True))
    first, last = start + columns.first, start + columns.offsets[-1]
    for number in range(first // pixels, last // pixels + 1):
        offset = number * pixels - start
        yield number, number, np.array([kinds.get(offset + p, -1) for p in range(pixels)] + [-1])
