"""Rows out of a ring of slots, against NumPy's ``roll``."""

import numpy as np
import pytest
from amaranth import Cat, Module, Signal
from amaranth.sim import Simulator

from rheobase.hw.window.rotate import RowPicker, select_rows, slot_after

#: Bits of a row.
WIDTH = 5
RINGS = [
    # Slots and rows: as many classes as slots, fewer, one, and more slots than rows by far.
    (1, (0,)),
    (3, (0, 1, 2)),
    (4, (0, 1)),
    (4, (0,)),
    (6, (0, 1, 2)),
    (6, (0, 2)),
    (9, (0, 1, 2)),
    (12, (0, 1, 3)),
    (7, (1, 2)),
]


def _settled(m, inputs, output, cases):
    """``output`` for each of ``cases``, values of ``inputs``."""
    found = []

    async def bench(context):
        for case in cases:
            for signal, value in zip(inputs, case, strict=True):
                context.set(signal, value)
            await context.delay(1e-9)
            found.append(context.get(output))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def _cases(rng, slots, kept_bits):
    """A ring's content (as rows too), its first slot, and which rows are kept."""
    rows = rng.integers(0, 2**WIDTH, (3 * slots, slots))
    rings = [sum(int(row) << index * WIDTH for index, row in enumerate(ring)) for ring in rows]
    kept = rng.integers(0, 2**kept_bits, 3 * slots).tolist()
    return rows, list(zip(rings, list(range(slots)) * 3, kept, strict=True))


@pytest.mark.parametrize(("slots", "rows"), RINGS)
def test_rows_of_a_ring(slots, rows):
    rng = np.random.default_rng([slots, *rows])
    m = Module()
    ring, first = Signal(slots * WIDTH), Signal(range(max(2, slots)))
    kept = Signal(len(rows))
    picker = RowPicker(slots, rows)
    selects = picker.selects(m, first, kept)
    assert len(selects) == picker.select_bits
    picked = Signal(2 * len(rows) * WIDTH)
    straight = select_rows(m, ring, first, slots, rows, name="straight")
    m.d.comb += picked.eq(Cat(*picker.take(ring, selects), straight))
    contents, cases = _cases(rng, slots, len(rows))
    found = _settled(m, (ring, first, kept), picked, cases)
    for content, (_, start, mask), value in zip(contents, cases, found, strict=True):
        turned = np.roll(content, -start)
        wanted = [int(turned[row % slots]) for row in rows]
        shown = [row if mask >> index & 1 else 0 for index, row in enumerate(wanted)]
        assert value == sum(row << at * WIDTH for at, row in enumerate(shown + wanted))


@pytest.mark.parametrize(("slots", "rows"), RINGS)
def test_slot_of_the_selected_row(slots, rows):
    m = Module()
    first, select = Signal(range(max(2, slots))), Signal(len(rows))
    slot = Signal(range(max(2, slots)))
    m.d.comb += slot.eq(slot_after(m, first, slots, select, rows, "after"))
    cases = [(start, 1 << index) for start in range(slots) for index in range(len(rows))]
    expected = [(start + row) % slots for start in range(slots) for row in rows]
    assert _settled(m, (first, select), slot, cases) == expected
