"""Rows of a window out of a ring of row slots."""

from __future__ import annotations

from amaranth import Cat, Module, Signal, Value


def select_rows(
    m: Module, ring: Value, first: Value, slots: int, rows: int, *, apart: int = 1, name: str
) -> Signal:
    """``rows`` rows of ``ring``, ``apart`` slots apart, from slot ``first`` on, wrapping around.

    ``ring`` holds its slots one after another, slot 0 lowest; all are equally wide.
    """
    width = len(ring) // slots
    result = Signal(rows * width, name=name)
    with m.Switch(first):
        for start in reversed(range(slots)):
            # Slots past the last do not occur; they take the first one's case.
            with m.Case(start) if start else m.Default():
                picked = [(start + row * apart) % slots for row in range(rows)]
                m.d.comb += result.eq(Cat(ring.word_select(slot, width) for slot in picked))
    return result
