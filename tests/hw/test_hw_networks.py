"""Whole accelerators, drawn at random: every spike of every layer, scores and event counts."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rheobase.golden.network import Coding, PoolRule, Readout
from rheobase.golden.simulation import simulate
from rheobase.sim.batch import build_accelerator, run
from rheobase.sim.comparison import compare
from support.random_networks import networks, random_folding, random_images, random_network


def _check(network, seed, images=5):
    """Compare back to back, with gaps and back-pressure, and with T and t0 changing."""
    rng = np.random.default_rng(seed)
    folding = random_folding(rng, network)
    built = build_accelerator(network, folding, optimise="fast-build")
    shown = random_images(rng, network, images)
    for stalls in ({}, {"gap": 50, "stall": 60}, {"gap": 5, "stall": 90, "seed": seed % 1000}):
        result = compare(built, shown, record_images=images, processes=1, **stalls)
        assert result.equal, (result.first_mismatch, result.layers, folding)

    steps = rng.integers(1, network.steps + 1, images)
    radix = network.coding == Coding.RADIX
    delay = np.array([0 if radix else rng.integers(t) for t in steps])
    found = run(built, shown, steps=steps, delay=delay, record_images=images, processes=1)
    for index in range(images):
        t, t0 = int(steps[index]), int(delay[index])
        golden = simulate(network, shown[index : index + 1], steps=t, delay=t0, record=True)
        assert np.array_equal(found.scores[index], golden.scores[0]), (t, t0, folding)
        assert found.answers[index] == golden.answers[0]
        for layer, record in zip(found.spikes, golden.layers, strict=True):
            if layer is not None:
                assert np.array_equal(layer[index, :t], record.spikes[0]), (record.name, t, t0)


# A failing network is named by its seed; shrinking would build hundreds of simulations.
_SETTINGS = dict(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("part", range(6))
def test_random_networks(part):
    @settings(max_examples=3, **_SETTINGS)
    @given(networks(), st.integers(0, 2**16).map(lambda n: n * 6 + part))
    def check(network, seed):
        _check(network, seed)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_many_random_networks(part):
    @settings(max_examples=15, **_SETTINGS)
    @given(networks(), st.integers(0, 2**16).map(lambda n: n * 8 + part + 10**6))
    def check(network, seed):
        _check(network, seed)

    check()


@pytest.mark.parametrize("coding", Coding)
@pytest.mark.parametrize("rule", PoolRule)
@pytest.mark.parametrize("readout", Readout)
def test_every_mode(coding, rule, readout):
    """Each combination once, two hidden layers deep, whatever the random draw leaves out."""
    rng = np.random.default_rng([list(x).index(y) for x, y in (
        (Coding, coding), (PoolRule, rule), (Readout, readout))])  # fmt: skip
    network = random_network(
        rng, coding=coding, readout=readout, rule=rule, steps=4, hidden=2, largest_channels=8
    )
    _check(network, int(rng.integers(1000)))
