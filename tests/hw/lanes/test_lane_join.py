"""LaneJoin: the sum over the lanes, with the unit that it is for."""

import numpy as np
import pytest
from amaranth import signed

from rheobase.hw.design.payloads import UnitLayout, vector
from rheobase.hw.lanes.lane_join import LaneJoin
from tests.support.simulation.tiers import both_tiers


@both_tiers
@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_adds_all_lanes(lanes, check):
    rng = np.random.default_rng(lanes)
    neurons, count = 2, 80
    unit = UnitLayout(4, 3)
    values = rng.integers(-32, 32, (count, lanes, neurons))
    units = [
        {
            "position": int(rng.integers(4)),
            "first_position": int(rng.integers(2)),
            "last_position": int(rng.integers(2)),
            "first_step": int(rng.integers(2)),
            "last_step": int(rng.integers(2)),
            "group": int(rng.integers(3)),
        }
        for _ in range(count)
    ]
    component = LaneJoin([signed(6)] * lanes, neurons, signed(9), unit)
    inputs = {
        f"lane_{lane}": (vector(signed(6), neurons), values[:, lane].tolist())
        for lane in range(lanes)
    }
    sums = values.sum(axis=1).tolist()
    joined = [{"sums": s, "unit": u} for s, u in zip(sums, units, strict=True)]
    check(component, inputs | {"units": (unit, units)}, {"joined": (component.sum_layout, joined)})
