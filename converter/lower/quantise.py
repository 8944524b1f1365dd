"""Weights to a few bits: a scale per channel, or one for all, by least squared error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...golden.basics.field_checks import check_integer
from ...golden.network.network import BYTE_BITS, MAX_WEIGHT_BITS, MIN_WEIGHT_BITS

#: Scales that are tried, as parts of the one that just holds the largest weight.
CANDIDATES = np.linspace(0.4, 1.0, 49)
#: Width for shortcuts where no kernel sets the scale: several of them meet with small error.
SHORTCUT_BITS = 12
#: Weights that are rounded at a time while scales are tried: they stay in the cache.
_CHUNK = 1 << 17


@dataclass(frozen=True, eq=False)
class RealWeights:
    """Weights of one connection: (out channels, ...), feeding the layer from ``out_start`` on.

    A ``shortcut`` has one weight per channel and is rounded to as many bits as it needs.
    """

    weight: np.ndarray
    out_start: int = 0
    shortcut: bool = False

    @property
    def rows(self) -> np.ndarray:
        return self.weight.reshape(len(self.weight), -1)

    @property
    def channels(self) -> slice:
        return slice(self.out_start, self.out_start + len(self.weight))

    def without(self, channels: np.ndarray) -> RealWeights:
        """The same with zeros in some of the layer's channels, (channels,) of bool."""
        weight = self.weight.copy()
        weight[channels[self.channels]] = 0
        return replace(self, weight=weight)


def layer_scale(
    connections: Sequence[RealWeights], channels: int, bits: int, *, per_channel: bool
) -> np.ndarray:
    """Scale of each output channel, shared by all connections, with the least squared error.

    Kernels are rounded and clipped to ``bits``. Shortcuts are rounded, and clipped to
    ``MAX_WEIGHT_BITS`` only; where there is nothing else, to ``SHORTCUT_BITS``.

    Args:
        channels: of the layer.
        bits: width of the integers, 2..8.
        per_channel: a scale for each output channel, else the best single one for all.

    Returns:
        (channels,), positive; zero where a channel's weights all are (any scale fits).

    Raises:
        RheobaseError: ``bits`` out of range.
    """
    check_weight_bits(bits)
    kernels = [entry for entry in connections if not entry.shortcut]
    shortcuts = [entry for entry in connections if entry.shortcut]
    largest = _largest(kernels, channels)
    largest_shortcut = _largest(shortcuts, channels)
    if not per_channel:
        largest[:], largest_shortcut[:] = largest.max(), largest_shortcut.max()
    alone = (largest == 0) & (largest_shortcut > 0)
    full = np.maximum(
        np.where(alone, largest_shortcut / _high(SHORTCUT_BITS), largest / _high(bits)),
        largest_shortcut / _high(MAX_WEIGHT_BITS),
    )
    safe = np.where(full > 0, full, 1.0)
    least = largest_shortcut / _high(MAX_WEIGHT_BITS)
    scales = np.maximum(CANDIDATES[:, None] * safe, least)
    scales = np.where(alone, safe, scales)
    errors = np.zeros_like(scales)
    for entry in connections:
        width = MAX_WEIGHT_BITS if entry.shortcut else bits
        errors[:, entry.channels] += _squared_errors(entry.rows, scales[:, entry.channels], width)
    if not per_channel:
        errors[:] = errors.sum(axis=1, keepdims=True)
    chosen = np.take_along_axis(scales, errors.argmin(axis=0)[None], axis=0)[0]
    return np.where(full > 0, chosen, 0.0)


def quantised(weight: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    """round(weight / scale), clipped to ``bits`` bits of two's complement; floats."""
    limit = 2 ** (bits - 1)
    ratio = weight / scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(ratio), -limit, limit - 1)


def integer_weights(
    connection: RealWeights, scale: np.ndarray, bits: int
) -> tuple[np.ndarray, int]:
    """The connection's integers (int8, int16 above 8 bits), and the bits that hold them.

    Args:
        scale: (channels of the layer,), positive.
    """
    width = MAX_WEIGHT_BITS if connection.shortcut else bits
    integers = quantised(connection.weight, scale[connection.channels], width)
    if connection.shortcut:
        bits = max(bits, bits_for(integers))
    return integers.astype(np.int8 if bits <= BYTE_BITS else np.int16), bits


def bits_of(largest: np.ndarray) -> int:
    """Bits of kernels whose integers are at most ``largest``; -128 has eight."""
    bits = int(np.max(largest)).bit_length() + 1
    return min(max(bits, MIN_WEIGHT_BITS), BYTE_BITS)


def check_weight_bits(bits: object) -> None:
    """Raise ``RheobaseError`` unless ``bits`` is a width for kernels, 2..8."""
    check_integer("", "weight bits", bits, MIN_WEIGHT_BITS, BYTE_BITS)


def _largest(connections: Sequence[RealWeights], channels: int) -> np.ndarray:
    found = np.zeros(channels)
    for entry in connections:
        here = entry.channels
        found[here] = np.maximum(found[here], np.abs(entry.rows).max(axis=1))
    return found


def _squared_errors(rows: np.ndarray, scales: np.ndarray, bits: int) -> np.ndarray:
    """Sum over each row of the squared rounding error, for each of several scales per row.

    Args:
        scales: (scales, rows).
    """
    limit = 2 ** (bits - 1)
    step = max(1, _CHUNK // rows.shape[1])
    errors = np.empty(scales.shape)
    for start in range(0, len(rows), step):
        here = slice(start, start + step)
        part = np.ascontiguousarray(rows[here])
        error = np.empty_like(part)
        for index, scale in enumerate(scales[:, here]):
            np.multiply(part, 1.0 / scale[:, None], out=error)
            np.rint(error, out=error)
            np.clip(error, -limit, limit - 1, out=error)
            np.multiply(error, scale[:, None], out=error)
            np.subtract(error, part, out=error)
            errors[index, here] = np.einsum("ij,ij->i", error, error)
    return errors


def _high(bits: int) -> int:
    return 2 ** (bits - 1) - 1


def bits_for(integers: np.ndarray) -> int:
    """Fewest bits of two's complement that hold every integer."""
    low, high = int(integers.min()), int(integers.max())
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
