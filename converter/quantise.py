"""Weights to a few bits: a scale per channel, or one for all, by least squared error."""

from __future__ import annotations

import numpy as np

from ..golden.errors import RheobaseError
from ..golden.network import BYTE_BITS, MIN_WEIGHT_BITS

#: Scales that are tried, as parts of the one that just holds the largest weight.
CANDIDATES = np.linspace(0.4, 1.0, 49)


def quantisation_scale(weight: np.ndarray, bits: int, *, per_channel: bool) -> np.ndarray:
    """Scale of each output channel with the least squared rounding error.

    Args:
        weight: float, (out channels, ...).
        bits: width of the integers, 2..8.
        per_channel: a scale for each output channel, else the best single one for all.

    Returns:
        (out channels,), positive; zero where a channel's weights all are (any scale fits).

    Raises:
        RheobaseError: ``bits`` out of range.
    """
    if (
        isinstance(bits, bool)
        or not isinstance(bits, int)
        or not (MIN_WEIGHT_BITS <= bits <= BYTE_BITS)
    ):
        raise RheobaseError(
            f"weight bits: {bits!r}, accepted is an integer in {MIN_WEIGHT_BITS}..{BYTE_BITS}"
        )
    rows = weight.reshape(len(weight), -1) if per_channel else weight.reshape(1, -1)
    largest = np.abs(rows).max(axis=1)
    high = 2 ** (bits - 1) - 1
    best = np.where(largest > 0, largest / high, 0.0)
    safe = np.where(best > 0, best, 1.0)
    least = np.full(len(rows), np.inf)
    chosen = safe.copy()
    for part in CANDIDATES:
        scale = safe * part
        error = np.square(rows - quantised(rows, scale, bits) * scale[:, None]).sum(axis=1)
        better = error < least
        least[better], chosen[better] = error[better], scale[better]
    chosen = np.where(best > 0, chosen, 0.0)
    return chosen if per_channel else np.repeat(chosen, len(weight))


def quantised(weight: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    """round(weight / scale), clipped to ``bits`` bits of two's complement; floats."""
    limit = 2 ** (bits - 1)
    ratio = weight / scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(ratio), -limit, limit - 1)
