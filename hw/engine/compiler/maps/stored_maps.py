"""Maps in an engine's memory, and what lies in a super pixel of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from .....golden.basics.arithmetic import ceil_div
from .....golden.network.network import PIXEL_BITS
from ...design import DIGIT_BITS, LANE_DIGITS, WORD_BITS, WORD_DIGITS
from ...lane_digits import as_lanes_see
from ...program import NUMBER_BITS, Kind
from ...trains import TrainFormat


def turn_words(kind: Kind) -> int:
    """Memory words of the numbers of F neurons."""
    return WORD_DIGITS * NUMBER_BITS[kind] // WORD_BITS


@dataclass(frozen=True, eq=False)
class SuperPixel:
    """Pixels that share words of the row buffer.

    Attributes:
        pixels: of the source's map.
        reads: memory words.
        pixel, channel, bits: (words of the row buffer, digits of a lane, lanes): which pixel and
            channel (of the source) a digit is of, and how many of its bits may be set; -1, -1 and
            0 where it is always zero.
    """

    pixels: int
    reads: int
    pixel: np.ndarray
    channel: np.ndarray
    bits: np.ndarray

    @property
    def words(self) -> int:
        """Words of the row buffer."""
        return len(self.pixel)


class Source(Protocol):
    """What a pass can read.

    Attributes:
        kind, steps, signed: of its numbers; of a train the one step that is seen at a time.
        train: format of its trains; None where it has numbers.
        rows, columns: of the map, in memory.
    """

    @property
    def kind(self) -> Kind: ...
    @property
    def steps(self) -> int: ...
    @property
    def signed(self) -> bool: ...
    @property
    def train(self) -> TrainFormat | None: ...
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...


@dataclass(frozen=True)
class Member:
    """A layer in a map: its channels lie behind ``first``, a multiple of F."""

    layer: int
    first: int
    channels: int


@dataclass(frozen=True)
class StoredMap:
    """What one layer gives, or several that are always seen side by side.

    Numbers or currents; or spike trains, whose digits lie in rows of their own: row r of the map is
    rows r * digits to r * digits + digits - 1 in memory.
    """

    members: tuple[Member, ...]
    kind: Kind
    steps: int
    signed: bool
    rows: int
    columns: int
    train: TrainFormat | None = None

    @property
    def digit_rows(self) -> int:
        """Rows in memory of a row of the map."""
        return self.train.digits if self.train else 1

    @property
    def channels(self) -> int:
        """With those between layers that hold nothing."""
        last = self.members[-1]
        return last.first + last.channels

    @property
    def word_numbers(self) -> int:
        """Numbers of a memory word."""
        return WORD_BITS // NUMBER_BITS[self.kind]

    @property
    def pixel_words(self) -> int:
        return ceil_div(self.channels, WORD_DIGITS) * turn_words(self.kind)

    @cached_property
    def held(self) -> np.ndarray:
        """Which channels hold numbers: bool, (channels with padding,)."""
        held = np.zeros(self.pixel_words * self.word_numbers, bool)
        for member in self.members:
            held[member.first : member.first + member.channels] = True
        return held

    def member(self, layer: int) -> Member:
        return next(member for member in self.members if member.layer == layer)

    def super_pixel(self, first_word: int, words: int, pixels: int, lanes: int) -> SuperPixel:
        """Of ``pixels`` pixels, ``words`` memory words of each, from ``first_word`` on."""
        count = words * self.word_numbers
        channel = np.arange(count) + first_word * self.word_numbers
        channel[~self.held[channel]] = -1
        pixel = np.repeat(np.arange(pixels), count)
        return _super_pixel(pixels, pixels * words, pixel, np.tile(channel, pixels), self, lanes)


@dataclass(frozen=True)
class ImageView:
    """The image as some connections see it, with their padding: the host writes it.

    In row r of it, pixel p of super pixel s is the image's pixel in row
    r * row_step + pixel_rows[p] and column s * super_step + pixel_columns[p]; where the image has
    none it is padding. So it is where r * row_step + marked_rows[p] is none of the rows 0 to
    ``bottom`` - 1, or s * super_step + marked_columns[p] none of the columns up to ``right``.
    """

    first_channel: int
    channels: int
    bottom: int
    right: int
    rows: int
    supers: int
    row_step: int
    super_step: int
    pixel_rows: tuple[int, ...]
    pixel_columns: tuple[int, ...]
    marked_rows: tuple[int, ...]
    marked_columns: tuple[int, ...]
    kind: Kind = field(default=Kind.BYTES, init=False)
    steps: int = field(default=PIXEL_BITS, init=False)
    signed: bool = field(default=False, init=False)
    train: TrainFormat | None = field(default=None, init=False)

    @property
    def pixels(self) -> int:
        """Of a super pixel."""
        return len(self.pixel_rows)

    @property
    def columns(self) -> int:
        return self.supers * self.pixels

    @property
    def super_reads(self) -> int:
        """Memory words of a super pixel."""
        return ceil_div(self.pixels * self.channels * PIXEL_BITS, WORD_BITS)

    @property
    def row_words(self) -> int:
        return self.supers * self.super_reads

    def super_pixel(self, lanes: int) -> SuperPixel:
        pixel = np.repeat(np.arange(self.pixels), self.channels)
        channel = np.tile(np.arange(self.channels) + self.first_channel, self.pixels)
        return _super_pixel(self.pixels, self.super_reads, pixel, channel, self, lanes)


def _super_pixel(
    pixels: int, reads: int, pixel: np.ndarray, channel: np.ndarray, source: Source, lanes: int
) -> SuperPixel:
    """Digits of numbers that lie one behind another."""
    bits = np.full(len(pixel), min(source.steps, DIGIT_BITS))
    if source.kind == Kind.BYTES:
        pixel, channel = np.repeat(pixel, 2), np.repeat(channel, 2)
        bits = np.stack([bits, np.full(len(bits), source.steps) - bits], axis=1).reshape(-1)
    shape = (ceil_div(reads * WORD_DIGITS, lanes * LANE_DIGITS), LANE_DIGITS, lanes)
    digits = [np.full(shape, nothing) for nothing in (-1, -1, 0)]
    for array, values in zip(
        digits,
        (np.where(channel < 0, -1, pixel), channel, np.where(channel < 0, 0, bits)),
        strict=True,
    ):
        array.reshape(-1)[: len(values)] = values
    return SuperPixel(pixels, reads, *(as_lanes_see(array) for array in digits))
