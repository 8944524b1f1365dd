"""From currents to the words of a map."""

from __future__ import annotations

import numpy as np

from ..design import DIGIT_BITS, WORD_BITS, WORD_DIGITS, EngineDesign
from ..program import NUMBER_BITS, Kind
from .decoding import DecodedPass, Values


class Parameters:
    """Of all channels of a pass."""

    def __init__(self, design: EngineDesign, decoded: DecodedPass):
        def values(name: str) -> np.ndarray:
            return np.array(
                [
                    record[f"{name}_{neuron}"]
                    for record in decoded.tables["parameters"]
                    for neuron in range(design.firing)
                ],
                np.int64,
            )

        self._head = decoded.head
        channels = decoded.head["groups"] * decoded.head["turns"] * design.firing
        names = ("offset", "threshold", "below", "negative_threshold")
        # (times, 1, 1, channels)
        self._offset, self._threshold, self._below, self._negative = (
            values(name).reshape(-1, 1, 1, channels) for name in names
        )

    def fired(self, currents: np.ndarray) -> np.ndarray:
        """Numbers that trains spell, or currents: int64, of the same shape.

        Args:
            currents: (times that neurons fire, rows, columns, channels).
        """
        potential = currents + self._offset
        if self._head["kind"] == Kind.CURRENTS:
            return potential
        signed = self._head["fires_signed"]
        top = (1 << (self._head["steps"] - signed)) - 1
        numbers = np.clip(potential // self._threshold, 0, top)
        if signed:
            beyond = self._below - currents
            negative = -1 - np.minimum(beyond // self._negative, top)
            numbers = np.where(beyond >= 0, negative, numbers)
        return numbers


def pooled(head: Values, numbers: np.ndarray) -> np.ndarray:
    """The maximum of each window of ``numbers``, (rows, columns, channels)."""
    for axis, name in enumerate(("row", "column")):
        stride, left = head[f"pool_{name}_stride"], head[f"pool_{name}_left"]
        opened, until = head[f"pool_{name}_open"], head[f"pool_{name}_until"]
        windows = []
        for window in range(head[f"pooled_{name}s"]):
            first = 0 if window < opened else until + (window - opened) * stride
            end = left + window * stride + 1
            seen = numbers[first:end] if axis == 0 else numbers[:, first:end]
            windows.append(seen.max(axis=axis))
        numbers = np.stack(windows, axis=axis)
    return numbers


def trains(chunks: list[Values], head: Values, numbers: np.ndarray) -> list[np.ndarray]:
    """Digits of the trains that ``numbers`` lead, (times, rows, columns, channels)."""
    count, digit = np.zeros_like(numbers[0]), np.zeros_like(numbers[0])
    digits = []
    for number, chunk in zip(numbers, (one for one in chunks if one["fires"]), strict=True):
        rises = (number > count).astype(np.int64)
        falls = (number < count).astype(np.int64) * head["fires_signed"]
        count += rises - falls
        step_bits = 1 + head["fires_signed"]
        digit = digit >> step_bits | (rises | falls << 1) << (DIGIT_BITS - step_bits)
        if chunk["ends_digit"]:
            digits.append(digit)
            digit = np.zeros_like(digit)
    return digits


def write_map(head: Values, memory: np.ndarray, numbers: np.ndarray, base: int) -> int:
    """Write (rows, columns, channels) to ``memory`` from ``base`` on; how many words."""
    bits = NUMBER_BITS[Kind(head["kind"])]
    numbers = numbers[..., : head["out_turns"] * WORD_DIGITS] & ((1 << bits) - 1)
    if head["kind"] != Kind.CURRENTS and not head["trains"]:
        numbers &= (1 << head["steps"]) - 1
    rows, columns = numbers.shape[:2]
    fields = numbers.reshape(rows, columns, -1, WORD_BITS // bits)
    words = np.bitwise_or.reduce(fields << (bits * np.arange(WORD_BITS // bits)), axis=-1)
    at = (
        base
        + np.arange(rows)[:, None, None] * head["out_row"]
        + np.arange(columns)[:, None] * head["out_pixel"]
        + np.arange(words.shape[2])
    )
    memory[at] = words.astype(np.uint32)
    return words.size
