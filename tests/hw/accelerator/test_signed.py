"""Layers that fire signed: every spike of whole accelerators, and what there is no hardware for."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import Coding, Network, PoolRule, Readout, RheobaseError, run_golden
from rheobase.hw.design.folding import LayerFolding
from rheobase.hw.design.layer_design import layer_design
from rheobase.hw.design.synapses import is_streamed
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.verilog.generation import generate
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import (
    random_folding,
    random_images,
    random_network,
    smallest_folding,
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


def test_a_residual_stream_without_a_relu():
    """Joins of signed and other sources, a direct lane of each, and a streamed readout."""
    plain = residual_network(Coding.RADIX, steps=3)
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
    # The sign's plane is seldom empty, so that a mistake in it is seen.
    assert 0.05 < spikes[:, 0].mean() < 0.95
    check_equal(network, folding, np.random.default_rng(1), images=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_many_random_networks(seed):
    rng = np.random.default_rng(10**6 + seed)
    setting = {
        "coding": Coding.RADIX,
        "readout": list(Readout)[seed // 2 % 2],
        "rule": PoolRule.CUMULATIVE,
        "steps": int(rng.integers(1, 9)),
    }
    if seed % 2:
        network = random_graph(rng, **setting, layers=2 + seed % 3)
    else:
        network = random_network(rng, **setting, hidden=2, largest_channels=8, largest_map=6)
    network = with_signed_layers(rng, network)
    check_equal(network, random_folding(rng, network), rng, images=4)


def test_rate_is_refused():
    network = _signed(residual_network(Coding.RATE, steps=3), {2: 1})
    for build in (
        lambda: generate(network),
        lambda: generate(network, smallest_folding(network)),
        lambda: default_folding(network),
    ):
        with pytest.raises(RheobaseError, match=r"'stage0\.block0\.b': fires signed in 'rate'"):
            build()
