"""Records and weights as memory words, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...golden.errors import RheobaseError
from .design import WORD_BITS, EngineDesign
from .program import Record, weights_record


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


def stream_words(design: EngineDesign, addresses: int, turns: int) -> int:
    """Memory words of a pass's weights, and of what is in front of them."""
    return weights_record(design).words + addresses * design.lanes * design.weight_parts(turns)


def weight_stream(design: EngineDesign, weights: np.ndarray) -> np.ndarray:
    """Memory words of a pass's weights.

    Args:
        weights: (addresses, lanes, channels of a group's turns).
    """
    turns = weights.shape[-1] // design.firing
    parts = design.weight_parts(turns)
    bits = (weights[..., None] >> np.arange(design.weight_bits)) & 1
    flat = bits.astype(np.uint8).reshape(-1, weights.shape[-1] * design.weight_bits)
    flat = np.pad(flat, ((0, 0), (0, parts * WORD_BITS - flat.shape[1])))
    words = np.packbits(flat, axis=1, bitorder="little").view("<u4").reshape(-1)
    head = {"addresses": len(weights), "parts": parts}
    front = record_words("weights", weights_record(design), head)
    return np.concatenate([np.array(front, np.uint32), words.astype(np.uint32)])


def stream_weights(design: EngineDesign, words: np.ndarray, turns: int) -> np.ndarray:
    """Weights that ``words`` hold: int64, (addresses, lanes, channels of ``turns`` turns)."""
    channels = turns * design.firing
    rows = words[weights_record(design).words :].astype("<u4")
    rows = rows.reshape(-1, design.weight_parts(turns)).view(np.uint8)
    bits = np.unpackbits(rows, axis=1, bitorder="little")
    bits = bits[:, : channels * design.weight_bits]
    bits = bits.reshape(-1, design.lanes, channels, design.weight_bits)
    worth = 1 << np.arange(design.weight_bits, dtype=np.int64)
    worth[-1] = -worth[-1]
    return bits @ worth
