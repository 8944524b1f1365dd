"""Amaranth shapes derived from integer ranges, so that no width is ever typed in."""

from __future__ import annotations

import numpy as np
from amaranth import Shape, signed, unsigned
from amaranth.utils import ceil_log2

from ...golden.bounds import Interval


def signed_shape(bounds: Interval) -> Shape:
    """Narrowest signed shape that holds every integer of ``bounds``."""
    return signed(bounds.bits)


def index_shape(count: int) -> Shape:
    """Shape of an index 0..count-1; at least one bit, so that it can be a port."""
    return unsigned(max(1, ceil_log2(count)))


def count_shape(maximum: int) -> Shape:
    """Shape of a number 0..maximum; at least one bit."""
    return index_shape(maximum + 1)


def turn_numbers(turns: int) -> int:
    """Values of the bits that tell the turns of a group apart: a power of two, 1 for one turn."""
    return 1 if turns == 1 else 1 << index_shape(turns).width


def memory_depth(words: int) -> int:
    """Depth of a memory of ``words`` words; a single one would have an address of no bits."""
    return max(words, 2)


def packed_words(values: np.ndarray, bits: int) -> list[int]:
    """Rows of ``values`` as one integer each, ``bits`` bits a value, the first lowest.

    Large memories are filled this way: a layout would make a constant of every value.
    """
    positions = np.arange(bits)
    binary = (values.astype(np.int64)[..., np.newaxis] >> positions & 1).astype(np.uint8)
    rows = np.packbits(binary.reshape(len(values), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
