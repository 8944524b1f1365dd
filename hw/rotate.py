"""Rows of a window out of a ring of row slots."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Module, Signal, Value


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
