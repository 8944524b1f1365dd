"""From lanes' sums to numbers: the order of turns, the join, chunks, neurons."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from rheobase.golden.network.neurons import Neurons
from rheobase.golden.run.neurons import fire_radix
from rheobase.hw.basics.shapes import count_shape
from rheobase.hw.engine.design import CHUNK_CYCLES, EngineDesign
from rheobase.hw.engine.lanes.sum_queue import SumQueue
from rheobase.hw.engine.layouts import (
    TurnLayout,
    TurnTagLayout,
    currents_layout,
    sums_layout,
)
from rheobase.hw.engine.neurons.chunk_sum import ChunkSum
from rheobase.hw.engine.neurons.neuron_line import NeuronLine, numbers_layout
from rheobase.hw.engine.neurons.turn_join import TurnJoin
from rheobase.hw.engine.neurons.turn_order import TurnOrder
from rheobase.hw.engine.program import Kind, chunk_record, parameter_record, pass_record
from tests.hw.engine.started import record_values, run_started
from tests.hw.engine.taken_turns import give_units
from tests.support.simulation.agents import run_without_stalls

DESIGN = EngineDesign(
    lanes=4, neurons=24, sum_bits=14, current_bits=26, threshold_bits=10, groups=6, steps=6
)


NO_TRAIN = {"first": 0, "ends_digit": 0, "digit": 0}


def _tags(rows, columns, strip, groups, chunks, of_group=DESIGN.turns, trains=()):
    """Every turn of a pass, as loops.

    ``trains`` has the tag of each chunk after which neurons fire, of the others None; without it
    they fire after the last.
    """
    trains = trains or [None] * (len(chunks) - 1) + [NO_TRAIN]
    fired = np.cumsum([0] + [train is not None for train in trains])
    found = []
    for row in range(rows):
        for start in range(0, columns, strip):
            windows = min(strip, columns - start)
            for number, (odd, level) in enumerate(chunks):
                for group in range(groups):
                    for window in range(windows):
                        for turn in range(of_group):
                            last_turn, last_group = turn == of_group - 1, group == groups - 1
                            last_window, last_chunk = (
                                window == windows - 1,
                                number == len(chunks) - 1,
                            )
                            ends = start + windows == columns
                            found.append(
                                {
                                    "index": group * of_group + turn,
                                    "step_index": (fired[number] * groups + group) * of_group + turn
                                    if any(trains[-1].values()) else 0,
                                    "first_chunk": number == 0,
                                    "last_chunk": last_chunk,
                                    "fires": trains[number] is not None,
                                    "level": level,
                                    "odd": odd,
                                    "last_turn": last_turn,
                                    "last_window": last_window,
                                    "last_group": last_group and last_chunk,
                                    "row_ends": ends,
                                    "pass_ends": row == rows - 1 and ends and last_turn
                                    and last_group and last_window and last_chunk,
                                    "train": trains[number] or NO_TRAIN,
                                }
                            )  # fmt: skip
    return [
        {name: value if name == "train" else int(value) for name, value in tag.items()}
        for tag in found
    ]


def _order(design, rows, columns, strip, groups, chunks, of_group):
    """The order's tags; ``chunks`` are records."""
    component = TurnOrder(design)
    header = record_values(
        pass_record(design),
        rows=rows, columns=columns, strip=strip, groups=groups, chunks=len(chunks), turns=of_group,
    )  # fmt: skip
    return run_started(
        component,
        ports={"header": (component.header_layout, header)},
        tables=[
            ("chunks", index, record_values(chunk_record(design), **chunk))
            for index, chunk in enumerate(chunks)
        ],
        outputs={"tags": TurnTagLayout(design)},
    )["tags"]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("rows", "columns", "strip", "groups", "of_group", "chunks"),
    [
        (2, 7, 3, 3, 3, [(0, 0)]),
        (3, 2, 1, 2, 2, [(1, 3), (0, 2), (0, 1)]),
        (1, 1, 1, 1, 3, [(1, 0)]),
        (1, 3, 2, 6, 2, [(0, 1)]),
    ],
)
def test_order_of_turns(rows, columns, strip, groups, of_group, chunks):
    records = [
        {"odd_shift": odd, "level": level, "fires": int(number == len(chunks) - 1)}
        for number, (odd, level) in enumerate(chunks)
    ]
    found = _order(DESIGN, rows, columns, strip, groups, records, of_group)
    assert found == _tags(rows, columns, strip, groups, chunks, of_group)


@pytest.mark.quick
def test_order_of_the_steps_of_a_train():
    """Five steps, of which the second takes two chunks; four have one digit."""
    chunks = [(0, 0), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0)]
    steps = [0, None, 1, 2, 3, 4]
    trains = [
        None if step is None
        else {"first": int(step == 0), "ends_digit": int(step in (3, 4)), "digit": step // 4}
        for step in steps
    ]  # fmt: skip
    records = [
        {"odd_shift": odd, "level": level, "fires": int(train is not None)}
        | ({} if train is None else {
            "first_step": train["first"], "ends_digit": train["ends_digit"],
            "digit": train["digit"],
        })
        for (odd, level), train in zip(chunks, trains, strict=True)
    ]  # fmt: skip
    design = replace(DESIGN, rate_turns=64)
    found = _order(design, 2, 3, 1, 2, records, 3)
    assert found == _tags(2, 3, 1, 2, chunks, 3, trains)


class _JoinOfStreams(wiring.Component):
    """A join behind the queues of lanes, whose units come as streams."""

    def __init__(self, design):
        self.design = design
        self.join = TurnJoin(design)
        lanes = {
            f"lane_{lane}": In(stream.Signature(sums_layout(design)))
            for lane in range(design.lanes)
        }
        names = {name: self.join.signature.members[name] for name in ("tags", "joined")}
        super().__init__(lanes | names | {"turns": In(count_shape(design.turns))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.join = join = self.join
        wiring.connect(m, wiring.flipped(self.tags), join.tags)
        wiring.connect(m, join.joined, wiring.flipped(self.joined))
        for lane in range(self.design.lanes):
            m.submodules[f"queue_{lane}"] = queue = SumQueue(self.design)
            give_units(m, getattr(self, f"lane_{lane}"), queue)
            m.d.comb += [
                queue.turns.eq(self.turns),
                queue.leaves.eq(join.leaves[lane]),
                join.entered[lane].eq(queue.entered),
                join.sums[lane].eq(queue.sums),
            ]
        return m


@pytest.mark.quick
@pytest.mark.parametrize("of_group", [2, 3])
def test_join_and_chunks(of_group):
    rng = np.random.default_rng(0)
    chunks = [(1, 0), (0, 1), (0, 0)]
    tags = _tags(2, 3, 1, 2, chunks, of_group)
    units = len(tags) // of_group
    sums = rng.integers(-200, 200, (DESIGN.lanes, units, DESIGN.neurons))
    worth = np.array([1, 16] * (DESIGN.lanes // 2))
    turns, totals = [], {}
    expected = []
    for number, tag in enumerate(tags):
        unit, turn = divmod(number, of_group)
        part = sums[:, unit, turn * DESIGN.firing : (turn + 1) * DESIGN.firing]
        values = (part * (worth if tag["odd"] else 1 + 0 * worth)[:, np.newaxis]).sum(axis=0)
        turns.append({"values": values.tolist(), "tag": tag})
        before = 0 if tag["first_chunk"] else totals[tag["index"]]
        totals[tag["index"]] = before + (values << 8 * tag["level"])
        if tag["fires"]:
            expected.append({"values": totals[tag["index"]].tolist(), "tag": tag})
    layout = TurnLayout(DESIGN, currents_layout(DESIGN))
    join = _JoinOfStreams(DESIGN)
    inputs = {
        f"lane_{lane}": (sums_layout(DESIGN), sums[lane].tolist()) for lane in range(DESIGN.lanes)
    }
    taken = run_started(
        join,
        ports={"turns": (join.turns.shape(), of_group)},
        inputs=inputs | {"tags": (TurnTagLayout(DESIGN), tags)},
        outputs={"joined": layout},
        starts=False,
    )
    assert taken["joined"] == turns
    taken = run_started(
        ChunkSum(DESIGN),
        inputs={"turns": (layout, turns)},
        outputs={"totals": layout},
        starts=False,
    )
    assert taken["totals"] == expected


@pytest.mark.quick
@pytest.mark.parametrize("neurons", [8, 16, 24])
def test_chunks_that_follow_at_once(neurons):
    """What a turn adds to may still be on its way; from three turns on, one leaves each cycle."""
    rng = Random(neurons)
    design = replace(DESIGN, neurons=neurons)
    layout = TurnLayout(design, currents_layout(design))
    blank = dict.fromkeys(TurnTagLayout(design).members, 0) | {"train": NO_TRAIN}
    turns, expected = [], []
    for _ in range(20):
        totals = np.zeros((design.turns, design.firing), np.int64)
        for chunk, last in ((0, False), (1, False), (2, True)):
            level = rng.randrange(3)
            for turn in range(design.turns):
                values = [rng.randrange(-50, 50) for _ in range(design.firing)]
                worth = 256**level * np.array(values)
                totals[turn] = worth if chunk == 0 else totals[turn] + worth
                tag = blank | {
                    "index": turn, "level": level, "first_chunk": chunk == 0, "last_chunk": last,
                    "fires": last,
                }  # fmt: skip
                turns.append({"values": values, "tag": tag})
                if last:
                    expected.append(totals[turn].tolist())
    component = ChunkSum(design)
    at_once = design.turns >= CHUNK_CYCLES
    cycles = len(turns) + 4 if at_once else CHUNK_CYCLES * len(turns)
    taken = run_without_stalls(
        component, (component.turns, turns), component.totals, len(expected), cycles=cycles
    )
    assert [[*total["values"]] for total in taken] == expected
    found = run_started(
        component, inputs={"turns": (layout, turns)}, outputs={"totals": layout}, starts=False
    )
    assert [total["values"] for total in found["totals"]] == expected


def _parameters(rng, signed):
    count = DESIGN.groups * DESIGN.turns * DESIGN.firing
    threshold = rng.integers(1, 200, count)
    return (
        rng.integers(-500, 500, count),
        Neurons(
            threshold.astype(np.int32),
            (threshold // 2).astype(np.int32),
            (threshold + rng.integers(0, 100, count)).astype(np.int32) if signed else None,
        ),
    )


@pytest.mark.quick
@pytest.mark.parametrize(
    ("steps", "signed"), [(4, False), (6, False), (1, False), (4, True), (2, True), (6, True)]
)
def test_numbers_are_those_of_the_golden_neurons(steps, signed):
    rng = np.random.default_rng(steps)
    bias, neurons = _parameters(rng, signed)
    records = []
    for start in range(0, len(bias), DESIGN.firing):
        record = record_values(parameter_record(DESIGN))
        for neuron in range(DESIGN.firing):
            channel = start + neuron
            offset = int(bias[channel] + neurons.initial_potential[channel])
            record[f"offset_{neuron}"] = offset
            record[f"threshold_{neuron}"] = int(neurons.threshold[channel])
            if signed:
                record[f"below_{neuron}"] = int(neurons.silent_from[channel]) - 1 - offset
                record[f"negative_threshold_{neuron}"] = int(neurons.negative_threshold[channel])
        records.append(record)
    tags = _tags(2, 5, 5, DESIGN.groups, [(0, 0)])
    currents = rng.integers(-8000, 8000, (len(tags), DESIGN.firing))
    currents[::3] //= 50
    channels = np.array([tag["index"] for tag in tags])[:, np.newaxis] * DESIGN.firing + np.arange(
        DESIGN.firing
    )
    chosen = Neurons(
        neurons.threshold[channels],
        neurons.initial_potential[channels],
        neurons.negative_threshold[channels] if signed else None,
    )
    numbers = fire_radix(chosen, currents + bias[channels], steps).astype(int) & (2**steps - 1)
    component = NeuronLine(DESIGN)

    def given(kind):
        header = record_values(
            pass_record(DESIGN), kind=kind, steps=steps, fires_signed=int(signed)
        )
        return run_started(
            component if kind == Kind.BYTES else NeuronLine(DESIGN),
            ports={"header": (component.header_layout, header)},
            tables=[("parameters", index, record) for index, record in enumerate(records)],
            inputs={
                "currents": (
                    TurnLayout(DESIGN, currents_layout(DESIGN)),
                    [
                        {"values": row.tolist(), "tag": tag}
                        for row, tag in zip(currents, tags, strict=True)
                    ],
                )
            },
            outputs={"numbers": TurnLayout(DESIGN, numbers_layout(DESIGN))},
            starts=False,
        )["numbers"]

    assert given(Kind.BYTES) == [
        {"values": row.tolist(), "tag": tag} for row, tag in zip(numbers, tags, strict=True)
    ]
    if not signed:
        offsets = (bias + neurons.initial_potential)[channels]
        assert given(Kind.CURRENTS) == [
            {"values": row.tolist(), "tag": tag}
            for row, tag in zip(currents + offsets, tags, strict=True)
        ]
