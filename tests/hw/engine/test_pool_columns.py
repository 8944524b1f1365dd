"""Maxima of rows, and the running maximum, against NumPy."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.layouts import TurnLayout
from rheobase.hw.engine.neurons.neuron_line import numbers_layout
from rheobase.hw.engine.output.placed import ColumnLayout, PooledLayout
from rheobase.hw.engine.output.pool_columns import PoolColumns
from rheobase.hw.engine.output.running_maximum import RunningMaximum
from rheobase.hw.engine.program import Kind, pass_record
from tests.hw.engine.started import record_values, run_started
from tests.hw.engine.test_neurons import NO_TRAIN
from tests.hw.engine.test_output import pool_header, tags_at

DESIGN = EngineDesign(neurons=16, steps=4, groups=3, pool_words=16)


class _Streamed(wiring.Component):
    """A running maximum whose elements all wait for whoever takes them."""

    def __init__(self):
        layout = PooledLayout(DESIGN)
        self.maximum = RunningMaximum(DESIGN, layout, DESIGN.pool_words)
        super().__init__(
            {
                "header": In(self.maximum.header_layout),
                "elements": In(stream.Signature(layout)),
                "found": Out(stream.Signature(layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.maximum = maximum = self.maximum
        moves = ~maximum.found_valid | self.found.ready
        m.d.comb += [
            maximum.header.eq(self.header),
            maximum.moves.eq(moves),
            self.elements.ready.eq(moves),
            maximum.valid.eq(self.elements.valid),
            maximum.element.eq(self.elements.payload),
            self.found.valid.eq(maximum.found_valid),
            self.found.payload.eq(maximum.found),
        ]
        return m


@pytest.mark.parametrize("places", [1, 2, 3, 16])
@pytest.mark.parametrize("signed", [0, 1])
def test_running_maximum(places, signed):
    """Few places: an element finds what the ones just before it have left."""
    rng = np.random.default_rng(places)
    steps, so_far, elements, expected = 3, {}, [], []
    for _ in range(300):
        at, counts = int(rng.integers(places)), int(rng.random() < 0.8)
        numbers = rng.integers(0, 2**steps, DESIGN.firing)
        first = int(at not in so_far)
        last = int(rng.random() < 0.3)
        values = numbers - (numbers >> (steps - 1) << steps) * signed
        if counts:
            best = values if first else np.maximum(so_far[at], values)
            so_far[at] = best
            if last:
                del so_far[at]
            expected.append((best & (2**steps - 1)).tolist())
        elements.append(
            {"values": numbers.tolist(), "at": at, "counts": counts, "first": first, "last": last,
             "along": {"address": len(elements), "pass_ends": 0,
                       "train": {"at": 0, "step": NO_TRAIN}}}
        )  # fmt: skip
    component = _Streamed()
    header = record_values(pass_record(DESIGN), steps=steps, fires_signed=signed)
    found = run_started(
        component,
        ports={"header": (component.maximum.header_layout, header)},
        inputs={"elements": (PooledLayout(DESIGN), elements)},
        outputs={"found": PooledLayout(DESIGN)},
        starts=False,
    )["found"]
    assert [one["along"]["address"] for one in found] == list(range(len(elements)))
    counted = [one for one in found if one["counts"]]
    assert [[v & 2**steps - 1 for v in one["values"]] for one in counted] == expected


@pytest.mark.parametrize(
    ("columns", "kernel", "stride", "padding", "strip"),
    [(7, 3, 2, 1, 3), (8, 2, 2, 0, 1), (6, 1, 1, 0, 4), (6, 3, 1, 1, 2), (8, 2, 3, 0, 5)],
)
def test_maxima_of_rows(columns, kernel, stride, padding, strip):
    rng = np.random.default_rng(columns)
    rows, groups, unwritten = 4, 2, 1
    turns = groups * DESIGN.turns
    header = pool_header(
        DESIGN, rows, columns, kernel, stride, padding, groups, strip=strip, steps=4,
        kind=Kind.DIGITS, out_pixel=5, out_turns=turns - unwritten,
    )  # fmt: skip
    numbers = rng.integers(0, 16, (rows, columns, turns, DESIGN.firing))
    given = [
        {"values": numbers[y, x, tag["index"]].tolist(), "tag": tag}
        for y, x, tag in tags_at(rows, columns, strip, groups)
    ]
    component = PoolColumns(DESIGN)
    maxima = run_started(
        component,
        ports={"header": (component.header_layout, header)},
        inputs={"numbers": (TurnLayout(DESIGN, numbers_layout(DESIGN)), given)},
        outputs={"maxima": ColumnLayout(DESIGN)},
    )["maxima"]
    padded = np.pad(numbers, [(0, 0), (padding, padding), (0, 0), (0, 0)], constant_values=-1)
    ends = [number for number, one in enumerate(maxima) if one["along"]["row_ends"]]
    assert len(ends) == rows
    for row, (begin, end) in enumerate(zip([0, *(e + 1 for e in ends)], ends, strict=False)):
        of_row = [one for one in maxima[begin : end + 1] if one["counts"]]
        found = {one["along"]["address"]: one for one in of_row}
        assert len(found) == len(of_row)
        expected = {
            5 * x + turn: padded[row, x * stride : x * stride + kernel, turn].max(axis=0).tolist()
            for x in range(header["pooled_columns"])
            for turn in range(turns - unwritten)
        }
        assert {address: one["values"] for address, one in found.items()} == expected
        for address, one in found.items():
            assert one["along"]["words"] == address // 5 * turns + address % 5
    assert [one["along"]["pass_ends"] for one in maxima] == [0] * (len(maxima) - 1) + [1]
