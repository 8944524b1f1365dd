"""Weights of a pass as lanes hold them, and the sums that they can make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...program import Kind
from .chunks import Chunk, Part, Sums
from .drafts import Draft, Seen
from .sketches import in_chunks
from .weight_digits import weight_digits


def with_weights(draft: Draft) -> Draft:
    """The whole pass, with its weights and with chunks whose sums the lanes hold.

    Raises:
        RheobaseError: what sums there are does not fit the engine.
    """
    design, block = draft.design, draft.block
    channels = draft.group_channels
    shape = (draft.groups, draft.weight_stride, design.lanes, channels)
    weights = np.zeros(shape, np.int64)
    for seen in draft.seen:
        dense = seen.reading.weight(block.first, block.end)
        padded = np.zeros((draft.groups * channels, *dense.shape[1:]), np.int64)
        padded[: len(dense)] = dense
        padded = padded.reshape(draft.groups, channels, *dense.shape[1:])
        for base, digit in zip(
            seen.addresses, weight_digits(design, padded, seen.digits), strict=True
        ):
            _place(seen, base, digit, weights)
    draft = replace(draft, weights=weights)
    draft = in_chunks(draft, lambda part: part_sums(draft, part))
    sums = [chunk_sums(draft, chunk) for chunk in draft.chunks]
    return replace(draft, sum_bits=max(one.interval.bits for one in sums))


def chunk_sums(draft: Draft, chunk: Chunk) -> Sums:
    """Least and greatest sums of each lane over ``chunk``, in any window and order of events."""
    first, *others = (part_sums(draft, part) for part in chunk.parts)
    return sum(others, start=first)


def part_sums(draft: Draft, part: Part) -> Sums:
    """Least and greatest sums of each lane over ``part``, in any window and order of events."""
    if draft.weights is None:
        raise ValueError("a sketch has no weights")
    seen = draft.seen[part.reading]
    base, span = seen.addresses[part.level], seen.operations.span
    source = draft.sources[seen.source].source
    lanes = np.arange(draft.design.lanes)
    # What the digits at an address of a row are worth, added up, at least and at most.
    shape = (len(part.phases), span, len(lanes))
    highest, signs = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for phase, operations in enumerate(part.phases):
        for operation in operations:
            if operation.block is not None:
                address = seen.operations.blocks[operation.block].address + operation.digits
                highest[phase, address] += operation.worth - 1
                signs[phase, address] += operation.worth >> 1
    if source.train is not None:
        # A spike counts once, whatever its sign.
        lowest = -highest if source.signed else np.zeros_like(highest)
    else:
        # The sign of a byte is in its upper digit, which odd lanes see.
        has_sign = source.signed & ((source.kind != Kind.BYTES) | (lanes % 2 == 1))
        lowest = np.where(has_sign, -signs, 0)
        highest += lowest
    # And in all rows of the part: (phases, kinds of rows, addresses, lanes).
    rows = np.bincount(
        [seen.reading.rows.kinds[row] for row in part.rows],
        minlength=len(seen.reading.rows.counts),
    )
    used = np.flatnonzero(rows)
    lowest, highest = (worth[:, None] * rows[used, None, None] for worth in (lowest, highest))
    weight = draft.weights[:, base : base + span * len(rows)]
    weight = weight.reshape(len(weight), len(rows), span, *weight.shape[2:])[:, used]
    positive, negative = np.maximum(weight, 0), np.minimum(weight, 0)
    channels = draft.groups * draft.group_channels

    def summed(of_positive: np.ndarray, of_negative: np.ndarray) -> np.ndarray:
        """Of each phase: (phases, lanes, channels)."""
        parts = [
            np.einsum("graep,frae->fegp", weights, worth)
            for weights, worth in ((positive, of_positive), (negative, of_negative))
        ]
        return (parts[0] + parts[1]).reshape(-1, len(lanes), channels)

    return Sums(summed(lowest, highest).min(axis=0), summed(highest, lowest).max(axis=0))


def _place(seen: Seen, base: int, digit: np.ndarray, weights: np.ndarray) -> None:
    """Put one digit of weights, (groups, channels of each, channels, rows, columns), in place."""
    span = seen.operations.span
    for block in seen.operations.blocks:
        channel = block.channel - seen.channels[0]
        for row in range(len(seen.reading.rows.counts)):
            address = base + row * span + block.address + block.digit
            values = digit[:, :, channel, row, block.column]
            weights[:, address, block.lane] = values.transpose(0, 2, 1)
