"""Weights as digits of the width that lanes hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .....golden.errors import RheobaseError
from ...design import DIGIT_BITS, EngineDesign, digit_shift


def digit_count(where: str, design: EngineDesign, least: int, greatest: int) -> int:
    """Digits that hold weights from ``least`` to ``greatest``.

    Raises:
        RheobaseError: the lanes' weights are too narrow to be digits.
    """
    digits = 1
    low, high = np.array([least]), np.array([greatest])
    while not (_fits(design, low) and _fits(design, high)):
        if not digit_shift(design):
            raise RheobaseError(
                f"{where}: weights span {least}..{greatest}, must fit {design.weight_bits} bits: "
                f"an engine whose weight_bits are {DIGIT_BITS} or more can take them in digits"
            )
        digits += 1
        low, high = _next(design, low), _next(design, high)
    if digits > design.weight_digits:
        raise RheobaseError(
            f"{where}: weights span {least}..{greatest} and take {digits} digits of "
            f"{DIGIT_BITS * digit_shift(design)} bits, must be at most {design.weight_digits}"
        )
    return digits


def weight_digits(design: EngineDesign, weights: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """``weights`` as ``count`` digits, the lowest first; the last is as wide as the lanes hold."""
    for _ in range(count - 1):
        following = _next(design, weights)
        yield weights - (following << (DIGIT_BITS * digit_shift(design)))
        weights = following
    yield weights


def _next(design: EngineDesign, weights: np.ndarray) -> np.ndarray:
    bits = DIGIT_BITS * digit_shift(design)
    return (weights + (1 << (bits - 1))) >> bits


def _fits(design: EngineDesign, weights: np.ndarray) -> bool:
    limit = 1 << (design.weight_bits - 1)
    return bool((weights >= -limit).all() and (weights < limit).all())
