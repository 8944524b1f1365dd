"""From numbers to memory words: pooling and the writer."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import wiring

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.layouts import TurnLayout
from rheobase.hw.engine.memory_port import CommandLayout
from rheobase.hw.engine.neurons.neuron_line import numbers_layout
from rheobase.hw.engine.output.map_writer import COMMANDS_WAITING, MapWriter
from rheobase.hw.engine.output.placed import PlacedLayout
from rheobase.hw.engine.output.pool_columns import PoolColumns
from rheobase.hw.engine.output.pool_maximum import PoolMaximum
from rheobase.hw.engine.output.pool_rows import PoolRows
from rheobase.hw.engine.program import Kind, pass_record
from tests.hw.engine.started import record_values, run_started
from tests.hw.engine.test_neurons import _tags

DESIGN = EngineDesign(neurons=16, steps=6, groups=3, pool_words=256)


def pool_header(design, rows, columns, kernel, stride, padding, groups, **others):
    pooled = [(size + 2 * padding - kernel) // stride + 1 for size in (rows, columns)]
    axes = {}
    for axis, windows in zip(("row", "column"), pooled, strict=True):
        axes |= {
            f"pool_{axis}_stride": stride,
            f"pool_{axis}_open": min(padding // stride + 1, windows),
            f"pool_{axis}_left": kernel - 1 - padding,
            f"pool_{axis}_until": stride - padding % stride,
        }
    words = groups * design.turns
    row_words = pooled[1] * words if kernel > 1 else 0
    return record_values(
        pass_record(design),
        rows=rows, columns=columns, groups=groups, pooled_rows=pooled[0],
        pooled_columns=pooled[1], pool_column_words=words, pool_row_words=row_words,
        pool_ring_words=row_words * -(-kernel // stride),
        pool_open_words=words * -(-kernel // stride), **axes, **others,
    )  # fmt: skip


class _Pool(wiring.Component):
    """Maxima of rows, the windows that they are in, and the maxima of those."""

    def __init__(self):
        self.columns, self.rows = PoolColumns(DESIGN), PoolRows(DESIGN)
        self.maximum = PoolMaximum(DESIGN)
        members = self.columns.signature.members
        super().__init__(
            {name: members[name] for name in ("header", "start", "numbers")}
            | {"placed": self.maximum.signature.members["placed"]}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.columns, m.submodules.rows = columns, rows = self.columns, self.rows
        m.submodules.maximum = maximum = self.maximum
        wiring.connect(m, wiring.flipped(self.numbers), columns.numbers)
        wiring.connect(m, columns.maxima, rows.maxima)
        wiring.connect(m, maximum.placed, wiring.flipped(self.placed))
        for part in (columns, rows, maximum):
            m.d.comb += part.header.eq(self.header)
        m.d.comb += [
            columns.start.eq(self.start),
            rows.start.eq(self.start),
            rows.room.eq(maximum.room),
            maximum.valid.eq(rows.valid),
            maximum.pooled.eq(rows.pooled),
        ]
        return m


@pytest.mark.quick
@pytest.mark.parametrize(
    ("rows", "columns", "kernel", "stride", "padding", "signed", "stall"),
    [
        (5, 7, 3, 2, 1, 0, 0.3),
        (4, 6, 2, 2, 0, 1, 0.8),
        (3, 5, 1, 1, 0, 0, 0.8),
        (6, 6, 3, 1, 1, 1, 0.3),
        (4, 6, 2, 1, 0, 0, 0.3),
        (9, 9, 3, 2, 0, 0, 0),
        (5, 5, 2, 3, 0, 0, 0),
        (8, 8, 2, 3, 1, 0, 0.3),
    ],
)
def test_maxima_of_windows(rows, columns, kernel, stride, padding, signed, stall):
    rng = np.random.default_rng(kernel)
    groups, steps, strip, unwritten = 2, 4, 3, 1
    header = pool_header(
        DESIGN, rows, columns, kernel, stride, padding, groups, strip=strip, fires_signed=signed,
        steps=steps, kind=Kind.DIGITS, out_base=1000, out_row=100, out_pixel=5,
        out_turns=groups * DESIGN.turns - unwritten,
    )  # fmt: skip
    numbers = rng.integers(0, 2**steps, (rows, columns, groups * DESIGN.turns, DESIGN.firing))
    tags = tags_at(rows, columns, strip, groups)
    turns = [{"values": numbers[y, x, tag["index"]].tolist(), "tag": tag} for y, x, tag in tags]
    pool = _Pool()
    placed = run_started(
        pool,
        ports={"header": (pool.columns.header_layout, header)},
        inputs={"numbers": (TurnLayout(DESIGN, numbers_layout(DESIGN)), turns)},
        outputs={"placed": PlacedLayout(DESIGN)},
        stall=stall,
    )["placed"]
    values = numbers - 2**steps * (numbers >> (steps - 1)) * signed
    padded = np.pad(values, [(padding, padding)] * 2 + [(0, 0)] * 2, constant_values=-99)
    expected = {}
    for y in range(header["pooled_rows"]):
        for x in range(header["pooled_columns"]):
            window = padded[y * stride : y * stride + kernel, x * stride : x * stride + kernel]
            for turn in range(header["out_turns"]):
                best = window[:, :, turn].max(axis=(0, 1)) & (2**steps - 1)
                expected[1000 + 100 * y + 5 * x + turn] = best.tolist()
    written = [one for one in placed if one["write"]]
    assert {one["address"]: one["values"] for one in written} == expected
    assert len(written) == len(expected)
    assert [one["pass_ends"] for one in placed] == [0] * (len(placed) - 1) + [1]


def tags_at(rows, columns, strip, groups):
    """Row and column of every turn, and its tag."""
    tags = iter(_tags_of(rows, columns, strip, groups))
    return [
        (y, x, next(tags))
        for y in range(rows)
        for start in range(0, columns, strip)
        for _ in range(groups)
        for x in range(start, min(start + strip, columns))
        for _ in range(DESIGN.turns)
    ]


def _tags_of(rows, columns, strip, groups):
    return _tags(rows, columns, strip, groups, [(0, 0)], DESIGN.turns)


@pytest.mark.quick
@pytest.mark.parametrize("kind", [Kind.DIGITS, Kind.BYTES, Kind.CURRENTS])
@pytest.mark.parametrize("seed", [0, 1])
def test_words_of_a_map(kind, seed):
    rng = np.random.default_rng(seed)
    bits = {Kind.DIGITS: 4, Kind.BYTES: 8, Kind.CURRENTS: 20}[kind]
    words = {Kind.DIGITS: 1, Kind.BYTES: 2, Kind.CURRENTS: 8}[kind]
    component = MapWriter(DESIGN)
    placed, expected = [], {}
    address = 0
    for number in range(120):
        address = address + words if rng.random() < 0.8 else int(rng.integers(1 << 20))
        values = rng.integers(0, 2**bits, DESIGN.firing) - (2**19 if kind == Kind.CURRENTS else 0)
        write = int(rng.random() < 0.9)
        placed.append(
            {"values": values.tolist(), "address": address, "write": write,
             "pass_ends": int(number == 119)}
        )  # fmt: skip
        if not write:
            continue
        whole = 0
        width = 32 * words // DESIGN.firing
        for place, value in enumerate(values.tolist()):
            whole |= (value & ((1 << width) - 1)) << width * place
        for place in range(words):
            expected[address + place] = whole >> 32 * place & 0xFFFFFFFF
    finished = []
    header = record_values(pass_record(DESIGN), kind=kind)
    taken = run_started(
        component,
        ports={"header": (component.header_layout, header)},
        inputs={"placed": (PlacedLayout(DESIGN), placed)},
        outputs={"port__commands": CommandLayout(), "port__written": 32},
        starts=False,
        each_cycle=lambda context: finished.append(context.get(component.finished)),
        seed=seed,
    )
    data = iter(taken["port__written"])
    memory = {}
    for command in taken["port__commands"]:
        assert command["write"]
        for place in range(command["count"] + 1):
            memory[command["address"] + place] = next(data)
    assert memory == expected
    assert next(data, None) is None
    assert sum(finished) == 1


@pytest.mark.parametrize(("words", "together"), [(COMMANDS_WAITING, 0), (COMMANDS_WAITING + 2, 17)])
def test_commands_wait_for_one_another(words, together):
    """Words far from one another: a command each, but none before the queue is full."""
    component = MapWriter(DESIGN)
    values = [0] * DESIGN.firing
    placed = [
        {"values": values, "address": 100 * number, "write": 1, "pass_ends": 0}
        for number in range(words)
    ]
    header = record_values(pass_record(DESIGN), kind=Kind.DIGITS)
    taken = run_started(
        component,
        ports={"header": (component.header_layout, header)},
        inputs={"placed": (PlacedLayout(DESIGN), placed)},
        outputs={"port__commands": CommandLayout()},
        starts=False,
    )
    # The last word's burst may go on, and has no command yet.
    assert len(taken["port__commands"]) == together
