"""CurrentPool: maxima of currents, and of accumulated currents."""

import numpy as np
import pytest
from amaranth import signed

from rheobase.hw.neurons.current_pool import CurrentPool
from tests.support.simulation.components import check_exchange


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("positions", [2, 9])
def test_maximum_over_positions(accumulate, positions):
    rng = np.random.default_rng(positions)
    neurons, groups, steps = 3, 2, 4
    component = CurrentPool(
        neurons=neurons,
        groups=groups,
        positions=positions,
        sum_shape=signed(6),
        pooled_shape=signed(9),
        accumulate=accumulate,
    )
    sums, pooled = [], []
    for number in range(16):
        # Some positions may be left out, as the fetcher does with empty ones.
        visited = np.flatnonzero(rng.random(positions) < 0.7)
        visited = visited if len(visited) else np.array([positions - 1])
        values = rng.integers(-32, 32, (steps, len(visited), neurons))
        group = number % groups
        totals = values.cumsum(axis=0) if accumulate else values
        for step in range(steps):
            marks = {"first_step": int(step == 0), "last_step": int(step == steps - 1)}
            for index, position in enumerate(visited):
                unit = marks | {
                    "position": int(position),
                    "first_position": int(index == 0),
                    "last_position": int(index == len(visited) - 1),
                    "group": group,
                }
                sums.append({"sums": values[step, index].tolist(), "unit": unit})
            maximum = totals[step].max(axis=0).tolist()
            pooled.append({"currents": maximum, "group": group} | marks)
    check_exchange(
        component,
        {"sums": (component.sum_layout, sums)},
        {"pooled": (component.current_layout, pooled)},
    )
