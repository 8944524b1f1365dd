"""From currents to the words of a map."""

from __future__ import annotations

import numpy as np

from ..design import WORD_BITS, WORD_DIGITS, EngineDesign
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
        self._offset, self._threshold = values("offset"), values("threshold")
        self._below, self._negative = values("below"), values("negative_threshold")

    def fired(self, currents: np.ndarray) -> np.ndarray:
        """Numbers that trains spell, or currents: int64, of the same shape (..., channels)."""
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


def write_map(head: Values, memory: np.ndarray, numbers: np.ndarray) -> int:
    """Write (rows, columns, channels) to ``memory``; how many words."""
    bits = NUMBER_BITS[Kind(head["kind"])]
    numbers = numbers[..., : head["out_turns"] * WORD_DIGITS] & ((1 << bits) - 1)
    if head["kind"] != Kind.CURRENTS:
        numbers &= (1 << head["steps"]) - 1
    rows, columns = numbers.shape[:2]
    fields = numbers.reshape(rows, columns, -1, WORD_BITS // bits)
    words = np.bitwise_or.reduce(fields << (bits * np.arange(WORD_BITS // bits)), axis=-1)
    at = (
        head["out_base"]
        + np.arange(rows)[:, None, None] * head["out_row"]
        + np.arange(columns)[:, None] * head["out_pixel"]
        + np.arange(words.shape[2])
    )
    memory[at] = words.astype(np.uint32)
    return words.size
