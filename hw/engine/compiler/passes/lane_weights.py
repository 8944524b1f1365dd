"""Weights of a pass as lanes hold them, and the sums that they can make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .....golden.errors import RheobaseError
from .....golden.network.bounds import Interval
from ...design import DIGIT_BITS
from ...program import Kind
from .chunks import Chunk, Part, Sums
from .drafts import Draft, Seen
from .sketches import all_parts, in_chunks
from .weight_digits import digit_shift, weight_digits


def with_weights(draft: Draft) -> Draft:
    """The whole pass, with its weights and with chunks whose sums the lanes hold.

    Raises:
        RheobaseError: what sums there are does not fit the engine.
    """
    design, block = draft.design, draft.block
    shape = (draft.groups, draft.weight_stride, design.lanes, design.neurons)
    weights = np.zeros(shape, np.int64)
    for seen in draft.seen:
        dense = seen.reading.weight(block.first, block.end)
        padded = np.zeros((draft.groups * design.neurons, *dense.shape[1:]), np.int64)
        padded[: len(dense)] = dense
        padded = padded.reshape(draft.groups, design.neurons, *dense.shape[1:])
        for base, digit in zip(
            seen.addresses, weight_digits(design, padded, seen.digits), strict=True
        ):
            _place(seen, base, digit, weights)
    draft = replace(draft, weights=weights)
    parts = all_parts(draft.seen, draft.sources)
    draft = in_chunks(draft, parts, lambda part: part_sums(draft, part))
    sums = [chunk_sums(draft, chunk) for chunk in draft.chunks]
    _check_totals(draft, sums)
    return replace(draft, sum_bits=max(one.interval.bits for one in sums))


def chunk_sums(draft: Draft, chunk: Chunk) -> Sums:
    """Least and greatest sums of each lane over ``chunk``, in any window and order of events."""
    first, *others = (part_sums(draft, part) for part in chunk.parts)
    return sum(others, start=first)


def _check_totals(draft: Draft, sums: list[Sums]) -> None:
    """Raise ``RheobaseError`` where a total is too wide after some of the window's chunks."""
    least = greatest = np.zeros(1, np.int64)
    level = draft.chunks[0].level
    worth = np.ones((draft.design.lanes, 1), np.int64)
    for chunk, one in zip(draft.chunks, sums, strict=True):
        shift = DIGIT_BITS * digit_shift(draft.design) * (level - chunk.level)
        level = chunk.level
        worth[1::2] = 1 << DIGIT_BITS if chunk.upper_in_odd_lanes else 1
        least = (least << shift) + (worth * one.least).sum(axis=0)
        greatest = (greatest << shift) + (worth * one.greatest).sum(axis=0)
        bits = Interval.of(0, least, greatest).bits
        if bits > draft.design.current_bits:
            raise RheobaseError(
                f"{draft.block.where}: sums of windows take {bits} bits, must be at most "
                f"{draft.design.current_bits} (current_bits)"
            )


def part_sums(draft: Draft, part: Part) -> Sums:
    """Least and greatest sums of each lane over ``part``, in any window and order of events."""
    if draft.weights is None:
        raise ValueError("a sketch has no weights")
    seen = draft.seen[part.reading]
    base, span = seen.addresses[part.level], seen.operations.span
    kinds, repeats = np.unique(
        [seen.reading.rows.kinds[row] for row in part.rows], return_counts=True
    )
    source = draft.sources[seen.source].source
    shape = (len(part.phases), draft.design.lanes, draft.groups * draft.design.neurons)
    least, greatest = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    # The sign of a byte is in its upper digit, which odd lanes see.
    has_sign = np.full(shape[1], source.signed)
    if source.kind == Kind.BYTES:
        has_sign[::2] = False
    for phase, operations in enumerate(part.phases):
        for operation in operations:
            if operation.block is None:
                continue
            digits = np.flatnonzero(operation.bits.any(axis=1))
            whole = 1 << operation.bits[digits]
            lowest = np.where(has_sign, -(whole >> 1), 0)
            highest = whole - 1 + lowest
            address = base + seen.operations.blocks[operation.block].address + digits
            for kind, repeat in zip(kinds, repeats, strict=True):
                weight = draft.weights[:, address + kind * span]  # (groups, digits, lanes, P)
                positive, negative = np.maximum(weight, 0), np.minimum(weight, 0)
                for result, at_most, at_least in (
                    (greatest, highest, lowest),
                    (least, lowest, highest),
                ):
                    summed = np.einsum("gdep,de->egp", positive, at_most)
                    summed += np.einsum("gdep,de->egp", negative, at_least)
                    result[phase] += repeat * summed.reshape(shape[1:])
    return Sums(least.min(axis=0), greatest.max(axis=0))


def _place(seen: Seen, base: int, digit: np.ndarray, weights: np.ndarray) -> None:
    """Put one digit of weights, (groups, P, channels, rows, columns), where lanes find it."""
    span = seen.operations.span
    for block in seen.operations.blocks:
        channel = block.channel - seen.channels[0]
        for row in range(len(seen.reading.rows.counts)):
            address = base + row * span + block.address + block.digit
            values = digit[:, :, channel, row, block.column]
            weights[:, address, block.lane] = values.transpose(0, 2, 1)
