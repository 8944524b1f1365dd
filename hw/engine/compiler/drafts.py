"""A pass before its maps have addresses: what it reads, its tables' entries and its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ....golden.basics.arithmetic import ceil_div
from ....golden.errors import RheobaseError
from ..design import EngineDesign
from ..program import Kind
from .chunks import Chunk, ChunkLimits, Part, Sums, chunks
from .operations import Phases, RowOperations, row_operations
from .positions import Positions
from .readings import Reading
from .stored_maps import ImageView, Source, StoredMap, SuperPixel
from .weight_digits import digit_count, weight_digits


@dataclass(frozen=True)
class Block:
    """Channels of a layer that a pass computes.

    Attributes:
        layer: its index.
        name: its name.
        first, end: channels; ``first`` is a multiple of F.
    """

    layer: int
    name: str
    first: int
    end: int

    @property
    def where(self) -> str:
        return f"layer {self.name!r}"

    def groups(self, design: EngineDesign) -> int:
        return ceil_div(self.end - self.first, design.neurons)


@dataclass(frozen=True, eq=False)
class DraftSource:
    """A map, or a slice of its channels, that a pass reads.

    Attributes:
        source: the map.
        first_word, pixel_words: of each pixel that are read; 0 and all of an image's super pixel.
        pixel: a super pixel.
        supers: of a row.
        row_step: rows from one row of windows to the next.
        row_first, row_reach: offsets of the first and the last row that windows in row 0 see.
        slots: rows that the row buffer keeps.
    """

    source: Source
    first_word: int
    pixel_words: int
    pixel: SuperPixel
    supers: int
    row_step: int
    row_first: int
    row_reach: int
    slots: int

    @property
    def slot_words(self) -> int:
        return self.supers * self.pixel.words

    @property
    def fewest_slots(self) -> int:
        return min(self.row_reach - self.row_first + 1, self.source.rows)

    @property
    def read_words(self) -> int:
        """Memory words of a row."""
        return self.supers * self.pixel.reads


@dataclass(frozen=True, eq=False)
class Seen:
    """A reading in a pass.

    Attributes:
        source: number of what it sees among the pass's sources.
        operations: in each row.
        channels: first and end of the source's that it sees.
        digits: of its weights.
        addresses: of the lanes' weights: the first for each digit, lowest digit first.
    """

    reading: Reading
    source: int
    operations: RowOperations
    channels: tuple[int, int]
    digits: int
    addresses: tuple[int, ...]

    @property
    def span(self) -> int:
        """Addresses of a digit's weights."""
        return self.operations.span * len(self.reading.rows.counts)


@dataclass(frozen=True, eq=False)
class Draft:
    """A pass.

    Attributes:
        block: what it computes.
        positions: in front of pooling.
        sources: what it reads.
        seen: its readings.
        weight_stride: words of a lane's memory for a group of P channels.
        chunks: of a window.
        strip: windows of a strip.
        weights: int64, (groups, weight_stride, lanes, P); None in a sketch.
    """

    design: EngineDesign
    block: Block
    positions: Positions
    sources: tuple[DraftSource, ...]
    seen: tuple[Seen, ...]
    weight_stride: int
    chunks: tuple[Chunk, ...]
    strip: int
    weights: np.ndarray | None = None

    @property
    def groups(self) -> int:
        return self.block.groups(self.design)

    @property
    def weight_words(self) -> int:
        return self.groups * self.weight_stride

    @property
    def pool_row_words(self) -> int:
        """Words of the pool's memory for a pooled row."""
        windows = self.positions.column_pool.windows
        return windows * self.groups * self.design.turns if self.positions.pools else 0

    @property
    def pool_ring_words(self) -> int:
        """And for all pooled rows that are under way at a time."""
        pool = self.positions.row_pool
        return self.pool_row_words * ceil_div(pool.kernel, pool.stride)


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
    parts = _parts(draft.seen, draft.sources)
    return _with_chunks(draft, parts, lambda part: part_sums(draft, part))


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


def pixel_choices(
    design: EngineDesign, block: Block, readings: tuple[Reading, ...]
) -> Iterator[int]:
    """Super pixel sizes to try: more than one where a pixel leaves lanes without digits."""
    yield 1
    most = 1
    for reading in readings:
        seen = reading.channels(block.first, block.end)
        if seen is None:
            continue
        digits = (seen[1] - seen[0]) * (1 if reading.source.kind == Kind.DIGITS else 2)
        most = max(most, 4 * design.lanes // max(digits, 1))
    yield from (pixels for pixels in (2, 3, 4, 5, 6, 8, 12, 16) if pixels <= min(most, 16))


def sketch(
    design: EngineDesign,
    block: Block,
    readings: tuple[Reading, ...],
    positions: Positions,
    pixels: int,
) -> Draft:
    """A pass for ``block`` without its weights, with super pixels of at most ``pixels`` pixels.

    Raises:
        RheobaseError: it does not fit the engine.
    """
    visible = [
        (reading, channels)
        for reading in readings
        if (channels := reading.channels(block.first, block.end)) is not None
    ]
    if not visible:
        # A layer may have channels that nothing feeds: they see a pixel without weights.
        reading = readings[0]
        visible = [(reading, (0, 0))]
    sources: list[DraftSource] = []
    seen: list[Seen] = []
    address = 0
    for members in _shared(visible):
        number = len(sources)
        source = _draft_source(design, members, pixels)
        sources.append(source)
        for reading, channels in members:
            operations = row_operations(source.pixel, reading.columns, channels)
            digits = digit_count(block.where, design, *reading.extremes)
            span = operations.span * len(reading.rows.counts)
            addresses = tuple(address + digit * span for digit in range(digits))
            address += digits * span
            seen.append(Seen(reading, number, operations, channels, digits, addresses))
    draft = Draft(
        design=design,
        block=block,
        positions=positions,
        sources=_with_slots(block, design, sources),
        seen=tuple(seen),
        weight_stride=max(1, address),
        chunks=(),
        strip=1,
    )
    _check(block, "pool_words", draft.pool_ring_words, design.pool_words, "pooled rows' numbers")
    if draft.weight_words > design.weight_words:
        raise RheobaseError(
            f"{block.where}: weights of {draft.groups * design.neurons} channels take "
            f"{draft.weight_words} words of a lane's memory, must be at most "
            f"{design.weight_words} (weight_words)"
        )
    return _with_chunks(draft, _parts(draft.seen, draft.sources), None)


def _shared(
    visible: list[tuple[Reading, tuple[int, int]]],
) -> list[list[tuple[Reading, tuple[int, int]]]]:
    """Readings that the row buffer holds one copy of channels for."""
    result: list[list[tuple[Reading, tuple[int, int]]]] = []
    for reading, channels in visible:
        for members in result:
            other, its_channels = members[0]
            first, end = _union([*(c for _, c in members), channels])
            if (
                other.source == reading.source
                and other.rows.step == reading.rows.step
                and end - first <= channels[1] - channels[0] + its_channels[1] - its_channels[0]
            ):
                members.append((reading, channels))
                break
        else:
            result.append([(reading, channels)])
    return result


def _union(ranges: list[tuple[int, int]]) -> tuple[int, int]:
    return min(first for first, _ in ranges), max(end for _, end in ranges)


def _draft_source(
    design: EngineDesign, members: list[tuple[Reading, tuple[int, int]]], pixels: int
) -> DraftSource:
    """What ``members`` see, with its fewest slots."""
    source = members[0][0].source
    first, end = _union([channels for _, channels in members])
    if any(reading.columns.limit < source.columns for reading, _ in members):
        pixels = 1  # a super pixel is seen whole or not at all
    if isinstance(source, ImageView):
        source = replace(source, pixels=min(pixels, source.columns))
        first_word, words = 0, source.super_reads
        pixel, supers = source.super_pixel(design.lanes), source.supers
    elif isinstance(source, StoredMap):
        first_word = first // source.word_numbers
        words = max(1, ceil_div(end, source.word_numbers) - first_word)
        pixels = max(1, min(pixels, design.buffer_columns // words, source.columns))
        pixel = source.super_pixel(first_word, words, pixels, design.lanes)
        supers = ceil_div(source.columns, pixels)
    else:
        raise TypeError(f"{type(source).__name__} is no map that a pass can read")
    result = DraftSource(
        source=source,
        first_word=first_word,
        pixel_words=words,
        pixel=pixel,
        supers=supers,
        row_step=members[0][0].rows.step,
        row_first=min(reading.rows.first for reading, _ in members),
        row_reach=max(reading.rows.offsets[-1] for reading, _ in members),
        slots=0,
    )
    return replace(result, slots=result.fewest_slots)


def _with_slots(
    block: Block, design: EngineDesign, sources: list[DraftSource]
) -> tuple[DraftSource, ...]:
    """With slots for the rows of the next row of windows, where the row buffer has room.

    Raises:
        RheobaseError: it has no room for one row of windows.
    """
    _check(block, "sources", len(sources), design.sources, "maps that are read at a time")
    free = design.buffer_words - sum(source.slots * source.slot_words for source in sources)
    if free < 0:
        raise RheobaseError(
            f"{block.where}: the rows of a row of windows take {design.buffer_words - free} words "
            f"of the row buffer, must be at most {design.buffer_words} (buffer_words)"
        )
    result = []
    for source in sources:
        more = min(source.row_step, source.source.rows - source.slots, free // source.slot_words)
        free -= more * source.slot_words
        result.append(replace(source, slots=source.slots + more))
    return tuple(result)


def _parts(seen: tuple[Seen, ...], sources: tuple[DraftSource, ...]) -> list[tuple[Part, bool]]:
    """A part for each digit of each reading's weights, and whether it sees bytes."""
    return [
        (
            Part(
                number,
                level,
                tuple(range(len(one.reading.rows.offsets))),
                one.operations.phases,
            ),
            sources[one.source].source.kind == Kind.BYTES,
        )
        for number, one in enumerate(seen)
        for level in range(one.digits)
    ]


def _with_chunks(
    draft: Draft, parts: list[tuple[Part, bool]], sums: Callable[[Part], Sums] | None
) -> Draft:
    """``draft`` with its parts in chunks.

    Raises:
        RheobaseError: there are too many of anything.
    """
    design, block = draft.design, draft.block
    limit = design.list_entries // 2 if draft.groups > 1 else None
    made = chunks(block.where, parts, ChunkLimits(design, limit, sums))
    segments = [part for chunk in made for part in chunk.parts]
    _check(block, "segments", len(segments), design.segments, "parts of a window")
    rows = sum(len(part.rows) for part in segments)
    _check(block, "rows", rows, design.rows, "rows of windows")
    operations = sum(len(phase) for phases in operation_lists(segments) for phase in phases)
    _check(block, "operations", operations, design.operations, "words that windows see in a row")
    strip = 1
    if limit is not None and len(made) == 1:
        most = max(1, int(made[0].events.max()))
        strip = min(design.windows, draft.positions.columns, limit // most)
    return replace(draft, chunks=made, strip=strip)


def operation_lists(segments: list[Part]) -> list[Phases]:
    """Lists of operations of a pass's segments, each once."""
    return list(dict.fromkeys(part.phases for part in segments))


def _check(block: Block, limit: str, value: int, most: int, what: str) -> None:
    if value > most:
        raise RheobaseError(f"{block.where}: {what} are {value}, must be at most {most} ({limit})")
