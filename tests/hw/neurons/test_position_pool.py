"""PositionPool: maxima over positions that come one after another, at each step."""

import numpy as np
import pytest
from amaranth import signed

from rheobase.hw.neurons.position_pool import PositionPool
from tests.support.simulation.components import check_exchange


@pytest.mark.parametrize(
    ("positions", "steps"),
    [(3, 4), *(pytest.param(*n, marks=pytest.mark.slow) for n in ((4, 1), (1, 2)))],
)
def test_maximum_over_positions(positions, steps):
    rng = np.random.default_rng(positions)
    neurons = 3
    component = PositionPool(neurons=neurons, positions=positions, steps=steps, sum_shape=signed(6))
    sums, pooled = [], []
    for _ in range(20):
        visited = int(rng.integers(1, positions + 1))
        values = rng.integers(-32, 32, (visited, steps, neurons))
        marks = [
            {"first_step": int(step == 0), "last_step": int(step == steps - 1)}
            for step in range(steps)
        ]
        for index in range(visited):
            for step in range(steps):
                unit = marks[step] | {
                    "position": 0,
                    "first_position": int(index == 0),
                    "last_position": int(index == visited - 1),
                    "group": 0,
                }
                sums.append({"sums": values[index, step].tolist(), "unit": unit})
        for step in range(steps):
            largest = values[:, step].max(axis=0).tolist()
            pooled.append({"currents": largest, "group": 0} | marks[step])
    check_exchange(
        component,
        {"sums": (component.sum_layout, sums)},
        {"pooled": (component.pooled.payload.shape(), pooled)},
    )
