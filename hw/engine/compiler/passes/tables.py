"""A pass's head and tables, field by field."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .....golden.network.network import Network
from ...design import WORD_DIGITS
from ...trains import TrainFormat
from ..maps.addresses import Place
from ..maps.stored_maps import Source, StoredMap, turn_words
from ..maps.taps import Taps
from .chunks import Part
from .drafts import Draft, DraftSource, operation_lists
from .neuron_parameters import number_bits, parameter_records

#: Records of a table, or of a head.
Records = list[dict[str, int]]


def pass_tables(
    network: Network, draft: Draft, target: StoredMap, places: Mapping[Source, Place]
) -> tuple[dict[str, int], dict[str, Records]]:
    """The head of ``draft``, which writes to ``target``, and its tables by their names.

    Raises:
        RheobaseError: its currents or thresholds are wider than the engine's.
    """
    operations, first_operation = _operations(draft)
    segments, rows = _segments(draft, first_operation)
    tables = {
        "chunks": _chunks(draft, target.train),
        "sources": _sources(draft, places),
        "segments": segments,
        "row_entries": rows,
        "operations": operations,
        "parameters": parameter_records(network, draft),
    }
    head = _head(network, draft, target, places[target])
    counts = {name: len(records) for name, records in tables.items()}
    if counts != draft.records:
        raise ValueError(f"{draft.block.where}: tables have {counts}, not {draft.records}")
    return head | counts, tables


def _head(network: Network, draft: Draft, target: StoredMap, place: Place) -> dict[str, int]:
    block, positions = draft.block, draft.positions
    layer = network.layers[block.layer]
    turn = turn_words(target.kind)
    first = (target.member(block.layer).first + block.first) // WORD_DIGITS
    head = {
        "kind": int(target.kind),
        "steps": number_bits(network, block.layer),
        "fires_signed": int(layer.signed),
        "trains": int(target.train is not None),
        "groups": draft.groups,
        "turns": draft.turns,
        "weight_stride": draft.weight_stride,
        "weight_words": draft.weight_words,
        "rows": positions.rows,
        "columns": positions.columns,
        "strip": draft.strip,
        "pooled_rows": positions.row_pool.windows,
        "pooled_columns": positions.column_pool.windows,
        "pool_column_words": draft.fired_turns,
        "pool_open_words": draft.pool_open_words,
        "pool_row_words": draft.pool_row_words,
        "pool_ring_words": draft.pool_ring_words,
        "out_base": place.base + first * turn,
        "out_row": place.row_words * target.digit_rows,
        "out_pixel": place.pixel_words,
        "out_digit": place.row_words if target.train else 0,
        "out_turns": block.out_turns,
    }
    for axis, pool in (("row", positions.row_pool), ("column", positions.column_pool)):
        head |= {f"pool_{axis}_{name}": value for name, value in pool.fields.items()}
    return head


def _chunks(draft: Draft, train: TrainFormat | None) -> Records:
    """Chunks; of those after which a step of a train comes, where in the train it is."""
    records = []
    for chunk in draft.chunks:
        step = chunk.step
        of_train = dict.fromkeys(("first_step", "ends_digit", "digit"), 0)
        if train is not None and step is not None:
            of_train = {
                "first_step": int(step == 0),
                "ends_digit": int(train.ends_digit(step)),
                "digit": train.digit(step),
            }
        records.append(
            {
                "odd_shift": int(chunk.upper_in_odd_lanes),
                "level": chunk.level,
                "fires": int(step is not None),
                **of_train,
            }
        )
    return records


def _sources(draft: Draft, places: Mapping[Source, Place]) -> Records:
    records = []
    base = 0
    for source in draft.sources:
        place = places[source.source]
        records.append(
            {
                "base": place.base + source.first_word,
                "row_stride": place.row_words,
                "piece_stride": 0 if source.pieces == 1 else place.pixel_words,
                "pieces": source.pieces,
                "piece_words": source.piece_words,
                "supers": source.supers,
                "super_reads": source.pixel.reads,
                "rows": source.source.rows,
                "row_step": source.row_step,
                "row_reach": source.row_reach,
                "row_first": source.row_first,
                "slots": source.slots,
                "slot_words": source.slot_words,
                "ring_words": source.slots * source.slot_words,
                "buffer_base": base,
            }
        )
        base += source.slots * source.slot_words
    return records


def _operations(draft: Draft) -> tuple[Records, dict[int, int]]:
    """Operations of all lists, and where that of each segment begins."""
    segments = draft.segments
    records: Records = []
    starts = {}
    for phases in operation_lists(segments):
        part = next(part for part in segments if part.phases == phases)
        seen = draft.seen[part.reading]
        words = draft.sources[seen.source].pixel.words
        starts[phases] = len(records)
        for number, phase in enumerate(phases):
            advance = seen.operations.advances[number]
            for operation in phase:
                last = operation is phase[-1]
                block = operation.block
                address = 0 if block is None else seen.operations.blocks[block].address
                records.append(
                    {
                        "super_offset": operation.mark,
                        "offset": (operation.super_offset * words + operation.word)
                        % draft.design.buffer_words,
                        "weight": address,
                        "mask": _bits(operation.mask),
                        "digits": _bits(operation.counts),
                        "last": int(last),
                        "wraps": int(last and number == len(phases) - 1),
                        "advance": advance if last else 0,
                        "advance_words": advance * words % draft.design.buffer_words if last else 0,
                    }
                )
    return records, {number: starts[part.phases] for number, part in enumerate(segments)}


def _segments(draft: Draft, first_operation: Mapping[int, int]) -> tuple[Records, Records]:
    segments: Records = []
    rows: Records = []
    bases = np.cumsum([0, *(source.slots * source.slot_words for source in draft.sources)])
    for chunk in draft.chunks:
        for part in chunk.parts:
            seen = draft.seen[part.reading]
            source = draft.sources[seen.source]
            taps = seen.reading.rows
            segments.append(
                {
                    "row_entry": len(rows),
                    "operation": first_operation[len(segments)],
                    "rows": taps.limit,
                    "supers": _supers_end(source, seen.reading.columns),
                    "row_step": source.row_step,
                    "super_start": seen.operations.super_start,
                    "super_start_words": seen.operations.super_start
                    * source.pixel.words
                    % draft.design.buffer_words,
                    "buffer_base": int(bases[seen.source]),
                    "ring_words": source.slots * source.slot_words,
                    "slot_step": source.row_step % source.slots * source.slot_words,
                    "signed_source": int(source.source.signed),
                    "sign_bit": _sign_bit(source.source, part),
                    "odd": int(chunk.upper_in_odd_lanes),
                    "ends_chunk": int(part is chunk.parts[-1]),
                    "planes": part.planes if draft.design.rate else 0,
                    "flat": int(part.flat),
                }
            )
            for row in part.rows:
                offset = taps.offsets[row]
                rows.append(
                    {
                        "row": taps.checked[row],
                        "slot_offset": offset % source.slots * source.slot_words,
                        "weight": seen.addresses[part.level]
                        + taps.kinds[row] * seen.operations.span,
                        "last": int(row == part.rows[-1]),
                    }
                )
    return segments, rows


def _supers_end(source: DraftSource, columns: Taps) -> int:
    """Where super pixels end, or what stands in their place."""
    return columns.limit if columns.marks is not None else min(source.supers, columns.limit)


def _sign_bit(source: Source, part: Part) -> int:
    """The bit that counts negative, where numbers or spikes are signed: the highest that counts."""
    return part.planes.bit_length() - 1 if source.train else max(source.steps - 1, 0)


def _bits(chosen: np.ndarray) -> int:
    return sum(1 << int(place) for place in np.flatnonzero(chosen))
