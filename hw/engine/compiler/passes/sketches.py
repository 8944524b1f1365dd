"""Passes without their weights: what is read, in which words and rows, in which chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .....golden.basics.arithmetic import ceil_div
from .....golden.errors import RheobaseError
from ...design import EngineDesign
from ...program import Kind, table_sizes
from ..maps.image_layouts import Fold, Layout, laid_out
from ..maps.positions import Positions
from ..maps.readings import Reading
from ..maps.stored_maps import ImageView, StoredMap
from .chunks import Chunk, ChunkLimits, Part, Sums, chunks
from .drafts import Block, Draft, DraftSource, Seen, check_limit
from .operations import row_operations
from .weight_digits import digit_count


def layouts(
    design: EngineDesign, block: Block, readings: tuple[Reading, ...], fold: bool
) -> Iterator[Layout]:
    """Layouts to try: more than one where a pixel leaves lanes without digits.

    An image with sums that overlap in front of a padded kernel lies window by window in any case.
    """
    images = [reading for reading in readings if isinstance(reading.source, ImageView)]
    if any(reading.marked for reading in images):
        yield Layout(1, Fold.WINDOW)
        return
    yield Layout(1)
    most = 1
    for reading in readings:
        seen = reading.channels(block.first, block.end)
        if seen is None:
            continue
        digits = (seen[1] - seen[0]) * (1 if reading.source.kind == Kind.DIGITS else 2)
        most = max(most, 4 * design.lanes // max(digits, 1))
    yield from (Layout(pixels) for pixels in (2, 3, 4, 5, 6, 8, 12, 16) if pixels <= most)
    if fold and images:
        yield from (Layout(1, fold) for fold in (Fold.COLUMNS, Fold.WINDOW))


def sketch(
    design: EngineDesign,
    block: Block,
    readings: tuple[Reading, ...],
    positions: Positions,
    layout: Layout,
) -> Draft:
    """A pass for ``block`` without its weights, with super pixels as ``layout`` has them.

    Raises:
        RheobaseError: it does not fit the engine.
    """
    visible = [
        (reading, channels)
        for reading in (laid_out(reading, layout) for reading in readings)
        if (channels := reading.channels(block.first, block.end)) is not None
    ]
    if not visible:
        # A layer may have channels that nothing feeds: they see a pixel without weights.
        reading = laid_out(readings[0], layout)
        visible = [(reading, (0, 0))]
    sources: list[DraftSource] = []
    seen: list[Seen] = []
    address = 0
    for members in _shared(visible):
        number = len(sources)
        source = _draft_source(design, members, layout.pixels)
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
    turns = draft.fired_turns
    check_limit(block, "rate_turns", turns, design.window_turns, "turns of all steps")
    rows, columns = draft.pool_ring_words, draft.pool_open_words
    check_limit(block, "pool_words", rows, design.pool_words, "pooled rows' numbers")
    check_limit(
        block, "2 x groups x turns", columns, design.column_words, "pooled columns' numbers"
    )
    if draft.weight_words > design.weight_words:
        raise RheobaseError(
            f"{block.where}: weights of {draft.groups * draft.group_channels} channels take "
            f"{draft.weight_words} words of a lane's memory, must be at most "
            f"{design.weight_words} (weight_words)"
        )
    return in_chunks(draft, None)


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
    if any(
        reading.columns.limit < source.columns or reading.columns.marks is not None
        for reading, _ in members
    ):
        pixels = 1  # a super pixel is seen whole or not at all
    if isinstance(source, ImageView):
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
    check_limit(block, "sources", len(sources), design.sources, "maps that are read at a time")
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


def _step_parts(draft: Draft, step: int) -> list[tuple[Part, bool]]:
    """A part for each digit of each reading's weights, and whether it sees bytes.

    Of trains it sees the digits and planes of ``step``, of numbers and pixels all.
    """
    parts = []
    for number, one in enumerate(draft.seen):
        source = draft.sources[one.source].source
        rows = tuple(range(len(one.reading.rows.offsets)))
        whole = Part(number, 0, rows, one.operations.phases)
        if source.train is not None:
            digit, digits = source.train.digit(step), source.train.digits
            offsets = one.reading.rows.offsets
            whole = replace(
                whole,
                rows=tuple(row for row in rows if offsets[row] % digits == digit),
                planes=source.train.planes(step),
                flat=True,
            )
        parts += [
            (replace(whole, level=level), source.kind == Kind.BYTES) for level in range(one.digits)
        ]
    return parts


def _step_chunks(draft: Draft, step: int, limits: ChunkLimits) -> tuple[Chunk, ...]:
    """Chunks of the events of ``step``; neurons fire after the last one, if they do."""
    made = chunks(draft.block.where, _step_parts(draft, step), limits)
    if step not in draft.block.steps.fired:
        return made
    return *made[:-1], replace(made[-1], step=step)


def in_chunks(draft: Draft, sums: Callable[[Part], Sums] | None) -> Draft:
    """``draft`` with what its windows see in chunks.

    Args:
        sums: least and greatest sums of a part; None where they are not yet known.

    Raises:
        RheobaseError: there are too many of anything.
    """
    design, block = draft.design, draft.block
    limit = design.list_entries // 2 if draft.groups > 1 else None
    limits = ChunkLimits(design, limit, sums)
    made = tuple(
        chunk for step in block.steps.summed for chunk in _step_chunks(draft, step, limits)
    )
    draft = replace(draft, chunks=made)
    for name, limit_name, what in (
        ("segments", "segments", "parts of a window"),
        ("row_entries", "rows", "rows of windows"),
        ("operations", "operations", "words that windows see in a row"),
    ):
        check_limit(block, limit_name, draft.records[name], table_sizes(design)[name], what)
    strip = 1
    if limit is not None and len(made) == 1:
        most = max(1, int(made[0].events.max()))
        strip = min(design.windows, draft.positions.columns, limit // most)
    return replace(draft, strip=strip)
