"""Turns that wait in a lane, against a list of Python."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.lanes.sum_queue import SumQueue
from rheobase.hw.engine.layouts import sums_layout, turn_sums_layout
from tests.hw.engine.started import run_started
from tests.hw.engine.taken_turns import give_units, take_turns

DESIGN = EngineDesign(lanes=2, neurons=24, weight_bits=4, sum_bits=9)
LAYOUT, TURN = sums_layout(DESIGN), turn_sums_layout(DESIGN)


class _StreamedQueue(wiring.Component):
    """A queue whose units come, and whose turns go, as streams."""

    def __init__(self, turns_ahead, neurons=DESIGN.neurons):
        self.queue = SumQueue(replace(DESIGN, turns_ahead=turns_ahead, neurons=neurons))
        names = {name: self.queue.signature.members[name] for name in ("turns", "complete")}
        units = In(stream.Signature(names.pop("complete").shape))
        super().__init__(names | {"units": units, "taken": Out(stream.Signature(TURN))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = self.queue
        take_turns(m, queue, wiring.flipped(self.taken), most=queue.design.turns_ahead)
        give_units(m, self.units, queue)
        m.d.comb += queue.turns.eq(self.turns)
        return m


def _units(count, neurons=DESIGN.neurons):
    rng = np.random.default_rng(count)
    return rng.integers(-256, 256, (count, neurons)).tolist()


def _turns(units, turns):
    size = DESIGN.firing
    return [unit[size * turn : size * (turn + 1)] for unit in units for turn in range(turns)]


@pytest.mark.quick
@pytest.mark.parametrize("turns_ahead", [2, 3, 16])
@pytest.mark.parametrize(("neurons", "turns"), [(24, 2), (24, 3), (32, 3), (32, 4), (8, 1)])
@pytest.mark.parametrize("stall", [0, 0.3, 0.8])
def test_turns_leave_in_order(turns_ahead, neurons, turns, stall):
    component = _StreamedQueue(turns_ahead, neurons)
    given = _units(30, neurons)
    taken = run_started(
        component,
        ports={"turns": (component.turns.shape(), turns)},
        inputs={"units": (component.units.payload.shape(), given)},
        outputs={"taken": TURN},
        stall=stall,
        gap=0.2,
        starts=False,
    )
    assert taken["taken"] == _turns(given, turns)


class _Untaken(wiring.Component):
    """A queue that nobody takes from."""

    def __init__(self, turns_ahead):
        self.queue = SumQueue(replace(DESIGN, turns_ahead=turns_ahead))
        turns = self.queue.signature.members["turns"]
        super().__init__({"turns": turns, "units": In(stream.Signature(LAYOUT))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = self.queue
        give_units(m, self.units, queue)
        m.d.comb += queue.turns.eq(self.turns)
        return m


@pytest.mark.quick
@pytest.mark.parametrize(("turns_ahead", "turns"), [(2, 2), (4, 2), (16, 2), (16, 3)])
def test_as_many_wait_as_there_are_places(turns_ahead, turns):
    """A lane goes on until all places are full and a unit is held; a turn enters in each cycle."""
    component = _Untaken(turns_ahead)
    taken = []

    def watched(context):
        taken.append(context.get(component.units.valid) & context.get(component.units.ready))

    run_started(
        component,
        ports={"turns": (component.turns.shape(), turns)},
        inputs={"units": (LAYOUT, _units(turns_ahead // turns + 2))},
        outputs={},
        gap=0,
        starts=False,
        each_cycle=watched,
    )
    units = turns_ahead // turns + 1
    assert sum(taken) == units
    first = taken.index(1)
    assert taken[first : first + turns * units : turns] == [1] * units
