"""Rows of a window out of a ring of row slots."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Module, Signal, Value

from .select import encode
from .shapes import index_shape
from .table import lookup


def select_rows(
    m: Module, ring: Value, first: Value, slots: int, rows: Sequence[int], *, name: str
) -> Signal:
    """The ``rows`` of ``ring``, counted from slot ``first`` on and wrapping around.

    ``ring`` holds its slots one after another, slot 0 lowest; all are equally wide.
    """
    width = len(ring) // slots
    result = Signal(len(rows) * width, name=name)
    with m.Switch(first):
        for start in reversed(range(slots)):
            # Slots past the last do not occur; they take the first one's case.
            with m.Case(start) if start else m.Default():
                picked = [(start + row) % slots for row in rows]
                m.d.comb += result.eq(Cat(ring.word_select(slot, width) for slot in picked))
    return result


def slot_after(
    m: Module, first: Value, slots: int, select: Value, rows: Sequence[int], name: str
) -> Value:
    """The slot of the row whose bit in the one-hot ``select`` is set, ``rows`` from ``first`` on.

    A table: adding modulo a number of slots takes more.
    """
    if len(rows) == 1 and not rows[0] % slots:
        return first
    width = index_shape(slots).width
    # Slots past the last do not occur.
    table = [(start + row) % slots for row in rows for start in range(1 << width)]
    return lookup(m, Cat(first[:width], encode(select)), table, name=name)
