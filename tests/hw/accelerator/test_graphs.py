"""Whole accelerators of random graphs, and of residual networks: every spike of every layer."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import Coding, Connection, PoolRule, Readout
from rheobase.hw.design.folding import LayerFolding, check_folding
from rheobase.hw.design.layer_design import layer_design
from rheobase.hw.design.synapses import is_streamed
from rheobase.hw.planning.default_folding import default_folding
from rheobase.sim.batch import build_simulation
from rheobase.sim.comparison import simulate
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import random_folding, random_images
from tests.support.networks.residual_networks import RESNET20, residual_network
from tests.support.simulation.equality import check_equal


def _check_random(seed, layers):
    rng = np.random.default_rng(seed)
    network = random_graph(
        rng,
        coding=list(Coding)[seed % 2],
        readout=list(Readout)[seed // 2 % 2],
        rule=list(PoolRule)[seed // 4 % 2],
        steps=int(rng.integers(1, 5)),
        layers=layers,
    )
    check_equal(network, random_folding(rng, network), rng, images=4)


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_random_graphs(seed):
    _check_random(seed, layers=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 60))
def test_many_random_graphs(seed):
    _check_random(seed, layers=1 + seed % 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coding", "steps", "delay"),
    [
        pytest.param(Coding.RATE, 5, 2, id="rate"),
        pytest.param(Coding.RADIX, 3, 0, id="radix"),
    ],
)
def test_residual_network(coding, steps, delay):
    """Joins, a strided shortcut with padded channels, and a streamed readout.

    Those of ``test_signed`` and ``test_own_steps`` are of the same shape.
    """
    network = residual_network(coding, steps=steps, delay=delay)
    folding = tuple(
        LayerFolding(p, e) for p, e in ((4, 2), (2, 3), (3, (2, 0)), (4, 2), (6, 3), (3, 2))
    )
    assert is_streamed(network, 5, 3) and not is_streamed(network, 5, 2)
    assert layer_design(network, 4, folding[4]).lanes == (3, 0)
    check_equal(network, folding, np.random.default_rng(1), images=4)


def test_default_folding_of_a_graph():
    network = residual_network(Coding.RATE, steps=4)
    for adders in (1, 40, 300):
        check_folding(network, default_folding(network, adders=adders))
    grouped = replace(
        network.layers[1],
        connections=(
            Connection(0, np.ones((4, 2, 3, 3), np.int8), 4, padding=(1, 1, 1, 1), groups=2),
        ),
    )
    network = replace(network, layers=(network.layers[0], grouped, *network.layers[2:]))
    # No group of neurons straddles two kernel groups, so no zeros are stored.
    assert default_folding(network)[1].neurons in (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("coding", "steps"), [(Coding.RADIX, 4), (Coding.RATE, 32)])
def test_resnet20(coding, steps):
    """The shape of ResNet-20 on CIFAR-10: three images spike by spike."""
    network = residual_network(coding, steps=steps, stages=RESNET20, size=32, classes=10, bits=8)
    built = build_simulation(network, default_folding(network, adders=600), optimise="fast-build")
    images = random_images(np.random.default_rng(2), network, 3)
    result = simulate(built, images, record_images=3, processes=1)
    assert result.equal, (result.first_mismatch, result.layers)
