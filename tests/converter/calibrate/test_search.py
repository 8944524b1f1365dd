"""The search for thresholds and initial potentials against trying everything."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rheobase.converter.calibrate.neuron_search import FRACTIONS, STARTS, Search, search_neurons
from rheobase.converter.snn.firing import starting
from rheobase.golden.network.network import Coding


def rate_error(currents: np.ndarray, threshold: float, start: float, steps: int) -> float:
    """Mean squared error of counts * threshold / T of one channel against its ReLU."""
    potential = np.full(len(currents), start * threshold)
    counts = np.zeros(len(currents))
    for _ in range(steps):
        potential += currents
        spikes = potential >= threshold
        counts += spikes
        potential -= spikes * threshold
    return float(np.mean((counts * threshold / steps - np.maximum(currents, 0)) ** 2))


@pytest.mark.parametrize("steps", [2, 4, 16])
@pytest.mark.parametrize("initial", [False, True])
def test_search_is_no_worse_than_the_grid(steps: int, initial: bool) -> None:
    generator = np.random.default_rng(steps)
    currents = generator.normal(0.5, 1.0, (800, 3)) * [1.0, 3.0, 0.2]
    target = torch.from_numpy(np.maximum(currents, 0))
    top = np.quantile(np.maximum(currents, 0), 0.9995, axis=0)
    search = Search(thresholds=True, shared=False, initial=initial, rounds=0)
    given = starting(torch.from_numpy(top * 3))
    neurons, error = search_neurons(
        torch.from_numpy(currents)[None], target, given, search, Coding.RATE, steps
    )
    for channel in range(3):
        grid = [rate_error(currents[:, channel], top[channel] * p, 0.5, steps) for p in FRACTIONS]
        assert float(error[channel]) <= min(grid) * (1 + 1e-4)
        own = rate_error(
            currents[:, channel],
            float(neurons.threshold[channel]),
            float(neurons.initial[channel]),
            steps,
        )
        assert own == pytest.approx(float(error[channel]), rel=1e-9)
    assert set(neurons.initial.tolist()) <= ({0.5, *STARTS} if initial else {0.5})


def test_fewer_steps_want_lower_thresholds() -> None:
    values = torch.from_numpy(np.random.default_rng(0).exponential(1.0, (4000, 1)))
    search = Search(thresholds=True, shared=False, initial=False, rounds=0)
    found = [
        float(
            search_neurons(
                values[None], values, starting(torch.tensor([8.0])), search, Coding.RATE, steps
            )[0].threshold
        )
        for steps in (2, 8, 64)
    ]
    assert found[0] < found[1] < found[2]


def test_shared_threshold_is_one_for_all_channels() -> None:
    values = torch.from_numpy(np.random.default_rng(0).normal(0.5, 1, (500, 4)))
    search = Search(thresholds=True, shared=True, initial=False, rounds=1)
    neurons, _ = search_neurons(
        values[None], values.relu(), starting(torch.full((4,), 9.0)), search, Coding.RATE, 4
    )
    assert len(set(neurons.threshold.tolist())) == 1
    assert float(neurons.threshold[0]) < 9


def test_cap_is_kept() -> None:
    values = torch.from_numpy(np.random.default_rng(0).normal(2, 3, (500, 2)))
    search = Search(thresholds=True, shared=False, initial=False, rounds=0)
    neurons, _ = search_neurons(
        values[None],
        values.clamp(0, 6),
        starting(torch.full((2,), 6.0)),
        search,
        Coding.RATE,
        8,
        cap=6.0,
    )
    assert float(neurons.threshold.max()) <= 6
