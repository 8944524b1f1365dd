"""Rows of the footprints of a row of pooled outputs: which must be there, and in which slots."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Cat, Module, Signal, Value, unsigned

from ..basics.shapes import count_shape, index_shape
from ..basics.table import lookup
from ..design.geometry import WindowGeometry
from .rotate import slot_after


class FootprintRows(NamedTuple):
    """Rows of a footprint.

    Attributes:
        valid: which lie inside the map.
        passed: how many no later footprint needs.
        available: those that are kept, from the oldest on.
        there: all that the footprint needs are.
        slot, next_slot: of its first row, and of that of the next row of outputs.
    """

    valid: Signal
    passed: Signal
    available: Signal
    there: Signal
    slot: Signal
    next_slot: Value


def footprint_rows(
    m: Module, geometry: WindowGeometry, output_row: Signal, last_row: Signal
) -> FootprintRows:
    """Of the row of pooled outputs ``output_row``; the caller moves ``available`` and ``slot``."""
    slots, span_rows, advance_rows = geometry.slots, geometry.span[0], geometry.advance[0]
    output_rows = geometry.output[0]
    rows = range(output_rows)
    needed = lookup(m, output_row, [geometry.rows_needed(y) for y in rows], name="needed")
    passed = lookup(m, output_row, [geometry.rows_released(y) for y in rows], name="passed")
    row_valid = lookup(
        m,
        output_row,
        [inside_mask(geometry.footprint_row(y), span_rows, geometry.rows) for y in rows],
        name="row_valid",
        # A bit for each row, those that never lie inside as well: their inverse is padding.
        shape=unsigned(span_rows),
    )
    available = Signal(count_shape(slots))
    rows_there = Signal()
    m.d.comb += rows_there.eq(available >= needed)
    first_slot = geometry.origin[0] % slots
    slot = Signal(index_shape(slots), init=first_slot)
    # From the last footprint row on to where the next image's first one starts.
    ahead = (advance_rows % slots, (geometry.rows - (output_rows - 1) * advance_rows) % slots)
    next_slot = slot_after(m, slot, slots, Cat(~last_row, last_row), ahead, "next_slot")
    return FootprintRows(row_valid, passed, available, rows_there, slot, next_slot)


def inside_mask(first: int, count: int, end: int) -> int:
    """Bit mask of which of ``first .. first + count - 1`` lie in ``0 .. end - 1``."""
    return sum(1 << i for i in range(count) if 0 <= first + i < end)
