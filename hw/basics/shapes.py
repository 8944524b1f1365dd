"""Amaranth shapes derived from integer ranges, so that no width is ever typed in."""

from __future__ import annotations

import numpy as np
from amaranth import Shape, signed, unsigned

from ...golden.network.bounds import Interval
from .widths import index_bits


def signed_shape(bounds: Interval) -> Shape:
    """Narrowest signed shape that holds every integer of ``bounds``."""
    return signed(bounds.bits)


def index_shape(count: int) -> Shape:
    """Shape of an index 0..count-1; at least one bit, so that it can be a port."""
    return unsigned(index_bits(count))


def count_shape(maximum: int) -> Shape:
    """Shape of a number 0..maximum; at least one bit."""
    return index_shape(maximum + 1)


def packed_words(values: np.ndarray, bits: int) -> list[int]:
    """Rows of ``values`` as one integer each, ``bits`` bits a value, the first lowest.

    Large memories are filled this way: a layout would make a constant of every value.
    """
    positions = np.arange(bits)
    binary = (values.astype(np.int64)[..., np.newaxis] >> positions & 1).astype(np.uint8)
    rows = np.packbits(binary.reshape(len(values), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
