"""Whole accelerators, drawn at random: every spike of every layer, scores and event counts."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rheobase.golden.network.network import Coding, PoolRule, Readout
from tests.support.networks.random_networks import networks, random_folding, random_network
from tests.support.simulation.equality import check_equal


def _check(network, seed):
    rng = np.random.default_rng(seed)
    check_equal(network, random_folding(rng, network), rng)


# A failing network is named by its seed; shrinking would build hundreds of simulations.
_SETTINGS = {
    "deadline": None,
    "derandomize": True,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_random_networks(part):
    @settings(max_examples=1, **_SETTINGS)
    @given(
        networks(signed=Coding, own_steps=True),
        st.integers(0, 2**16).map(lambda n: n * 6 + part),
    )
    def check(network, seed):
        _check(network, seed)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_many_random_networks(part):
    @settings(max_examples=15, **_SETTINGS)
    @given(
        networks(signed=Coding, own_steps=True),
        st.integers(0, 2**16).map(lambda n: n * 8 + part + 10**6),
    )
    def check(network, seed):
        _check(network, seed)

    check()


#: Channels and map of networks in which one feature counts.
SMALL = {"largest_channels": 5, "largest_map": 6}


def _modes():
    """The first of each choice; the others are slow."""
    for coding, rule, readout in itertools.product(Coding, PoolRule, Readout):
        numbers = {
            list(Coding).index(coding),
            list(PoolRule).index(rule),
            list(Readout).index(readout),
        }
        slow = numbers != {0}
        yield pytest.param(coding, rule, readout, marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("coding", "rule", "readout"), list(_modes()))
def test_every_mode(coding, rule, readout):
    """Each combination once, two hidden layers deep, whatever the random draw leaves out."""
    rng = np.random.default_rng(
        [list(x).index(y) for x, y in ((Coding, coding), (PoolRule, rule), (Readout, readout))]
    )
    network = random_network(
        rng, coding=coding, readout=readout, rule=rule, steps=4, hidden=2, **SMALL
    )
    _check(network, int(rng.integers(1000)))
