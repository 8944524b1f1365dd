"""Records and weights as memory words, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...golden.errors import RheobaseError
from .design import WORD_BITS, EngineDesign
from .program import Record


def record_words(where: str, record: Record, values: Mapping[str, int]) -> list[int]:
    """The memory words of a record.

    Raises:
        RheobaseError: a value is not in its field's range.
    """
    number = shift = 0
    if values.keys() != {field.name for field in record.fields}:
        raise ValueError(f"{record.name}: values are not those of its fields")
    for field in record.fields:
        value = values[field.name]
        low, high = (-(1 << field.bits - 1), 0) if field.signed else (0, 0)
        high = low + (1 << field.bits) - 1
        if not low <= value <= high:
            raise RheobaseError(
                f"{where}: {field.name} of a {record.name} is {value}, must be in {low}..{high}"
            )
        number |= (value & ((1 << field.bits) - 1)) << shift
        shift += field.bits
    mask = (1 << WORD_BITS) - 1
    return [(number >> (WORD_BITS * word)) & mask for word in range(record.words)]


def record_values(record: Record, words: np.ndarray) -> dict[str, int]:
    """The values of a record that ``words`` begin with."""
    number = int.from_bytes(words[: record.words].astype("<u4").tobytes(), "little")
    values, shift = {}, 0
    for field in record.fields:
        value = (number >> shift) & ((1 << field.bits) - 1)
        if field.signed and value >> (field.bits - 1):
            value -= 1 << field.bits
        values[field.name] = value
        shift += field.bits
    return values


def weight_stream(design: EngineDesign, weights: np.ndarray) -> np.ndarray:
    """Memory words of a pass's weights.

    Args:
        weights: (addresses, lanes, P).
    """
    bits = (weights[..., None] >> np.arange(design.weight_bits)) & 1
    flat = bits.astype(np.uint8).reshape(-1, design.neurons * design.weight_bits)
    padding = design.weight_memory_words * WORD_BITS - flat.shape[1]
    flat = np.pad(flat, ((0, 0), (0, padding)))
    return np.packbits(flat, axis=1, bitorder="little").view("<u4").reshape(-1).astype(np.uint32)


def stream_weights(design: EngineDesign, words: np.ndarray) -> np.ndarray:
    """Weights that ``words`` hold: int64, (addresses, lanes, P)."""
    rows = words.astype("<u4").reshape(-1, design.weight_memory_words).view(np.uint8)
    bits = np.unpackbits(rows, axis=1, bitorder="little")
    bits = bits[:, : design.neurons * design.weight_bits]
    bits = bits.reshape(-1, design.lanes, design.neurons, design.weight_bits)
    worth = 1 << np.arange(design.weight_bits, dtype=np.int64)
    worth[-1] = -worth[-1]
    return bits @ worth
