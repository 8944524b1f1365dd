"""Units that wait in a line, against a list of Python."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.lanes.sum_line import SumLine
from rheobase.hw.engine.layouts import sums_layout
from tests.hw.engine.started import run_started

DESIGN = EngineDesign(lanes=2, neurons=8, weight_bits=4, sum_bits=9)
LAYOUT = sums_layout(DESIGN)


class _StreamedLine(wiring.Component):
    """A line whose units come as a stream."""

    def __init__(self, places):
        self.line = SumLine(replace(DESIGN, sums_ahead=places))
        members = {name: self.line.signature.members[name] for name in ("sums", "coming")}
        super().__init__(members | {"units": In(stream.Signature(LAYOUT))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.line = line = self.line
        wiring.connect(m, line.sums, wiring.flipped(self.sums))
        m.d.comb += [
            self.coming.eq(line.coming),
            self.units.ready.eq(line.room),
            line.valid.eq(self.units.valid & line.room),
            line.complete.eq(self.units.payload),
        ]
        return m


def units(count):
    rng = np.random.default_rng(count)
    return rng.integers(-256, 256, (count, DESIGN.neurons)).tolist()


@pytest.mark.quick
@pytest.mark.parametrize("places", [1, 2, 3, 5])
@pytest.mark.parametrize("stall", [0, 0.3, 0.8])
def test_units_leave_in_order(places, stall):
    """What is coming is known a cycle before."""
    component = _StreamedLine(places)
    foretold = [0]

    def watched(context):
        assert context.get(component.sums.valid) == foretold[0]
        foretold[0] = context.get(component.coming)

    given = units(60)
    taken = run_started(
        component,
        inputs={"units": (LAYOUT, given)},
        outputs={"sums": LAYOUT},
        stall=stall,
        gap=0.2,
        starts=False,
        each_cycle=watched,
    )
    assert taken["sums"] == given


@pytest.mark.quick
@pytest.mark.parametrize("places", [2, 3, 5])
def test_as_many_wait_as_there_are_places(places):
    """A unit enters in every second cycle until all places are taken, and none without a reader."""
    component = _StreamedLine(places)
    entered, valid = [], []

    def watched(context):
        context.set(component.sums.ready, len(entered) >= 20)
        valid.append(context.get(component.sums.valid))
        entered.append(context.get(component.units.valid) & context.get(component.units.ready))

    given = units(20)
    taken = run_started(
        component,
        inputs={"units": (LAYOUT, given)},
        outputs={"sums": LAYOUT},
        gap=0,
        starts=False,
        each_cycle=watched,
    )
    assert sum(entered[: 2 * places]) == sum(entered[:20]) == places
    assert valid[20:22] == [1, 1], "one that waits is there as soon as another leaves"
    assert taken["sums"] == given


@pytest.mark.quick
@pytest.mark.parametrize("places", [2, 3, 5])
def test_a_reader_of_every_second_cycle_never_waits(places):
    component = _StreamedLine(places)
    cycle, gave = [0], []

    def watched(context):
        ready = cycle[0] % 2
        context.set(component.sums.ready, ready)
        if ready:
            gave.append(context.get(component.sums.valid))
        cycle[0] += 1

    taken = run_started(
        component,
        inputs={"units": (LAYOUT, units(40))},
        outputs={"sums": LAYOUT},
        gap=0,
        starts=False,
        each_cycle=watched,
    )
    first = gave.index(1)
    assert len(taken["sums"]) == 40 and gave[first : first + 40] == [1] * 40
