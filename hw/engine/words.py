"""Records and weights as memory words, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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


def group_turns(turns: int, groups: int, out_turns: int) -> list[int]:
    """Turns of each of ``groups`` that have weights: those that are written, of ``turns`` each."""
    return [min(turns, max(0, out_turns - group * turns)) for group in range(groups)]


def stream_words(design: EngineDesign, stride: int, turns: Iterable[int]) -> int:
    """Memory words of a pass's weights, and of what is in front of them.

    Args:
        stride: addresses of a group.
        turns: of each group, ``group_turns``.
    """
    front = weights_record(design).words
    return sum(front + stride * design.lanes * design.weight_parts(each) for each in turns)


def weight_stream(design: EngineDesign, weights: np.ndarray, turns: Sequence[int]) -> np.ndarray:
    """Memory words of a pass's weights.

    Args:
        weights: (groups, addresses, lanes, channels of a group).
        turns: of each group, ``group_turns``.
    """
    words = []
    for group, each in zip(weights, turns, strict=True):
        parts = design.weight_parts(each)
        bits = (group[..., : each * design.firing, None] >> np.arange(design.weight_bits)) & 1
        flat = bits.astype(np.uint8).reshape(len(group) * design.lanes, -1)
        flat = np.pad(flat, ((0, 0), (0, parts * WORD_BITS - flat.shape[1])))
        head = {"addresses": len(group), "parts": parts}
        front = record_words("weights", weights_record(design), head)
        words += [
            np.array(front, np.uint32),
            np.packbits(flat, axis=1, bitorder="little").view("<u4").reshape(-1),
        ]
    return np.concatenate(words).astype(np.uint32)


def stream_weights(
    design: EngineDesign, words: np.ndarray, stride: int, turns: Sequence[int]
) -> np.ndarray:
    """Weights that ``words`` hold: int64, (groups, addresses, lanes, P); what is absent is 0."""
    shape = (len(turns), stride, design.lanes, design.neurons)
    weights = np.zeros(shape, np.int64)
    worth = 1 << np.arange(design.weight_bits, dtype=np.int64)
    worth[-1] = -worth[-1]
    for group, each in enumerate(turns):
        count = stream_words(design, stride, [each])
        rows = words[weights_record(design).words : count].astype("<u4")
        words = words[count:]
        channels = each * design.firing
        rows = rows.reshape(-1, design.weight_parts(each)).view(np.uint8)
        bits = np.unpackbits(rows, axis=1, bitorder="little")[:, : channels * design.weight_bits]
        bits = bits.reshape(stride, design.lanes, channels, design.weight_bits)
        weights[group, ..., :channels] = bits @ worth
    return weights
