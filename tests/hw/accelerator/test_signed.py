"""Layers that fire signed: every spike of whole accelerators."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import Coding, Network, PoolRule, Readout, run_golden
from rheobase.hw.design.folding import LayerFolding
from rheobase.hw.design.layer_design import layer_design
from rheobase.hw.design.synapses import is_streamed
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import (
    random_folding,
    random_images,
    random_network,
    with_signed_layers,
)
from tests.support.networks.residual_networks import residual_network
from tests.support.simulation.equality import check_equal


def _signed(network: Network, slopes: dict[int, float]) -> Network:
    """``network`` with signed layers: a negative threshold is so many thresholds."""
    layers = list(network.layers)
    for index, slope in slopes.items():
        negative = np.floor(layers[index].threshold * slope).astype(np.int32)
        layers[index] = replace(layers[index], negative_threshold=negative)
    return replace(network, layers=tuple(layers))


# ``test_own_steps`` has one in radix, with a T of each layer's own, for every run.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("coding", "steps", "delay"), [(Coding.RADIX, 3, 0), (Coding.RATE, 4, 1)], ids=["radix", "rate"]
)
def test_a_residual_stream_without_a_relu(coding, steps, delay):
    """Joins of signed and other sources, a direct lane of each, and a streamed readout."""
    plain = residual_network(coding, steps=steps, delay=delay)
    network = _signed(plain, {0: 1, 2: 2.5, 4: 1})
    folding = tuple(
        LayerFolding(p, e) for p, e in ((4, 2), (2, 3), (3, (2, 0)), (4, 2), (6, 3), (3, 2))
    )
    assert is_streamed(network, 5, 3)
    designs = [layer_design(network, index, fold) for index, fold in enumerate(folding)]
    signs = [[one.signed_trains for one in design.connections] for design in designs]
    assert signs == [[False], [True], [False, True], [True], [False, True], [True]]
    images = random_images(np.random.default_rng(0), network, 4)
    spikes = run_golden(network, images, record=True).layers[2].spikes
    # Negative spikes are not rare, so that a mistake in them is seen.
    negative = spikes[:, 0] if coding == Coding.RADIX else spikes < 0
    assert 0.05 < negative.mean() < 0.95
    check_equal(network, folding, np.random.default_rng(1), images=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(80))
def test_many_random_networks(seed):
    rng = np.random.default_rng(10**6 + seed)
    setting = {
        "coding": list(Coding)[seed // 8 % 2],
        "readout": list(Readout)[seed // 2 % 2],
        "rule": list(PoolRule)[seed // 4 % 2],
        "steps": int(rng.integers(1, 9)),
    }
    if seed % 2:
        network = random_graph(rng, **setting, layers=2 + seed % 3)
    else:
        network = random_network(rng, **setting, hidden=2, largest_channels=8, largest_map=6)
    network = with_signed_layers(rng, network)
    check_equal(network, random_folding(rng, network), rng, images=4)
