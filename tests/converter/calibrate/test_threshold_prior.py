"""What a threshold costs on images that were not seen, against NumPy and on other images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from rheobase.converter.calibrate.neuron_search import Search, search_neurons
from rheobase.converter.calibrate.threshold_prior import (
    SHARES,
    ThresholdPrior,
    threshold_prior,
)
from rheobase.converter.graph.levels import levels_of
from rheobase.converter.snn.firing import mean_output, starting
from rheobase.golden.network.network import Coding

IMAGES, PLACES = 24, 10
LEVELS = levels_of(False, Coding.RADIX, 3)


def rare(seed: int) -> Tensor:
    """Activations (samples, channels) of channels that are active in one image of eight."""
    generator = np.random.default_rng(seed)
    active = generator.random((IMAGES, 1, 60)) < 1 / 8
    values = generator.exponential(size=(IMAGES, PLACES, 60)) * generator.exponential(
        size=(IMAGES, 1, 60)
    )
    return torch.from_numpy((active * values).reshape(-1, 60))


@pytest.mark.parametrize("averaged", [False, True])
def test_prior_against_numpy(averaged: bool) -> None:
    target = rare(0)
    found = threshold_prior(target, IMAGES, LEVELS, averaged=averaged)
    assert found is not None
    values = target.numpy().reshape(IMAGES, PLACES, -1)
    thresholds = values.max() * 2.0 ** (-np.arange(13, -1, -1) / 2)

    def errors(part: np.ndarray) -> np.ndarray:
        rows = []
        for threshold in thresholds:
            unit = threshold / 7
            lost = np.minimum(np.rint(part / unit + 1e-12), 7) * unit - part
            rows.append((lost.mean(1) if averaged else lost).__pow__(2).reshape(-1, 60).mean(0))
        return np.array(rows)

    aside = np.arange(IMAGES) % 4 == 3
    seen, others = errors(values[~aside]), errors(values[aside])

    def best(rows: np.ndarray, share: float) -> np.ndarray:
        return (rows + share * rows.mean(1)[:, None]).argmin(0)

    left = [others[best(seen, share), np.arange(60)].sum() for share in SHARES]
    assert found.share == SHARES[int(np.argmin(left))] > 0
    whole = errors(values)
    np.testing.assert_allclose(found.thresholds, thresholds)
    np.testing.assert_allclose(found.errors, found.share * whole.mean(1))
    np.testing.assert_allclose(found.best, thresholds[best(whole, found.share)])
    between = torch.tensor([(thresholds[3] + thresholds[4]) / 2, 0.0, 2 * thresholds[-1]])
    ends = found.errors[[0, -1]].tolist()
    expected = [float(found.errors[3:5].mean()), *ends]
    np.testing.assert_allclose(found.at(between), expected)


def test_rare_channels_lose_less_on_other_images() -> None:
    seen, others = rare(1), rare(2)
    prior = threshold_prior(seen, IMAGES, LEVELS)
    search = Search(thresholds=True, shared=False, initial=False, rounds=0)

    def error(prior: ThresholdPrior | None) -> float:
        start = starting(torch.full((60,), 0.5, dtype=torch.float64))
        neurons, _ = search_neurons(seen[None], seen, start, search, Coding.RADIX, 3, prior=prior)
        output = mean_output(others[None], neurons, Coding.RADIX, 3)
        return float((output - others).square().mean())

    assert error(prior) < 0.8 * error(None)


def test_no_prior_where_nothing_can_be_left_aside() -> None:
    assert threshold_prior(rare(0)[: 3 * PLACES], 3, LEVELS) is None
    assert threshold_prior(torch.zeros(40, 5), 8, LEVELS) is None
