"""Rows of a window out of a ring of row slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth import Cat, Module, Mux, Signal, Value

from ..basics.select import encode, pick
from ..basics.shapes import index_shape
from ..basics.table import lookup


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


@dataclass(frozen=True)
class RowPicker:
    """Takes ``rows`` of a ring in two levels: selects are made one cycle, rows taken in the next.

    The slots are dealt to ``classes``, each to its number modulo theirs. As many consecutive slots
    have one of each: first a slot of each class is taken, then a class for each row. With as
    many classes as slots the first level is nothing.
    """

    slots: int
    rows: tuple[int, ...]

    @property
    def classes(self) -> int:
        """The fewest that divide the slots and give each row one of its own."""
        reach = max(self.rows) + 1
        fitting = (n for n in range(reach, self.slots + 1) if self.slots % n == 0)
        return next(fitting, self.slots)

    @property
    def select_bits(self) -> int:
        """Bits of ``selects``."""
        return self._number_bits * self.classes + len(self.rows) * self.classes

    @property
    def _number_bits(self) -> int:
        """Of the number that a slot has among those of its class."""
        return (self.slots // self.classes - 1).bit_length()

    def selects(self, m: Module, first: Value, kept: Value) -> Value:
        """What ``take`` needs to know where row 0 is in slot ``first``.

        ``kept``: a bit for each of ``rows``.
        """
        numbers = []
        for place in range(self.classes) if self._number_bits else ():
            table = [
                (start + (place - start) % self.classes) % self.slots // self.classes
                for start in range(self.slots)
            ]
            numbers.append(lookup(m, first, table, name=f"part_{place}")[: self._number_bits])
        taken = []
        for index, row in enumerate(self.rows):
            for place in range(self.classes):
                hits = [
                    int((start + row) % self.slots % self.classes == place)
                    for start in range(self.slots)
                ]
                hit = lookup(m, first, hits, name=f"row_{index}_of_{place}")
                taken.append(hit & kept[index])
        return Cat(*numbers, *taken)

    def take(self, ring: Value, selects: Value) -> list[Value]:
        """Each of ``rows`` of ``ring`` (slot after slot), zero where it is not kept."""
        width = len(ring) // self.slots
        classes, bits = self.classes, self._number_bits
        places = []
        for place in range(classes):
            number = selects.word_select(place, bits) if bits else 0
            choices = [ring.word_select(slot, width) for slot in range(place, self.slots, classes)]
            places.append(_choice(number, choices))
        taken = selects[bits * classes :]
        return [pick(taken.word_select(index, classes), places) for index in range(len(self.rows))]


def _choice(index: Value, values: Sequence[Value]) -> Value:
    """``values[index]``."""
    if len(values) == 1:
        return values[0]
    half = 1 << ((len(values) - 1).bit_length() - 1)
    return Mux(
        index[half.bit_length() - 1],
        _choice(index, values[half:]),
        _choice(index, values[:half]),
    )
