"""Layers with a T of their own: every spike of whole accelerators, at every T of a run."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import Coding, Network, PoolRule, Readout
from rheobase.hw.design.folding import LayerFolding
from rheobase.hw.design.layer_design import layer_design, score_bounds
from rheobase.hw.design.synapses import is_streamed
from rheobase.hw.planning.shortfall import shorter
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import (
    random_folding,
    random_network,
    with_own_steps,
    with_signed_layers,
)
from tests.support.networks.residual_networks import residual_network
from tests.support.simulation.equality import check_equal


def _with_steps(network: Network, steps: dict[int, int]) -> Network:
    layers = [replace(x, steps=steps.get(index)) for index, x in enumerate(network.layers)]
    return replace(network, layers=tuple(layers))


@pytest.mark.slow
def test_a_residual_sum_of_sources_that_differ():
    """Joins of trains of 4 and 2 planes, direct lanes, and a streamed readout of 3; some signed."""
    plain = residual_network(Coding.RADIX, steps=4)
    layers = list(plain.layers)
    for index, slope in ((1, 1), (2, 2.5)):
        negative = np.floor(layers[index].threshold * slope).astype(np.int32)
        layers[index] = replace(layers[index], negative_threshold=negative)
    network = _with_steps(replace(plain, layers=tuple(layers)), {1: 3, 2: 2, 3: 1, 4: 3})
    folding = tuple(
        LayerFolding(p, e) for p, e in ((4, 2), (2, 3), (3, (2, 0)), (4, 2), (6, 3), (3, 2))
    )
    assert is_streamed(network, 5, 3)
    designs = [layer_design(network, index, fold) for index, fold in enumerate(folding)]
    assert [design.steps for design in designs] == [4, 3, 2, 1, 3, 4]
    planes = [[one.source_steps for one in design.connections] for design in designs]
    assert planes == [[1], [4], [3, 4], [2], [1, 2], [3]]
    check_equal(network, folding, np.random.default_rng(1), images=4)


def test_counts_of_an_output_with_fewer_planes():
    rng = np.random.default_rng(3)
    network = random_network(
        rng,
        coding=Coding.RADIX,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=5,
        hidden=2,
        largest_channels=6,
        largest_map=6,
    )
    network = _with_steps(network, {0: 2, 2: 3})
    assert score_bounds(network).high == 2**3 - 1
    check_equal(network, random_folding(rng, network), rng, images=4)


def test_a_shorter_network_has_no_layer_with_more():
    network = _with_steps(residual_network(Coding.RADIX, steps=4), {1: 3, 2: 1})
    assert [layer.steps for layer in shorter(network, 2).layers[:3]] == [None, 2, 1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_many_random_networks(seed):
    rng = np.random.default_rng(2 * 10**6 + seed)
    setting = {
        "coding": Coding.RADIX,
        "readout": list(Readout)[seed // 2 % 2],
        "rule": PoolRule.CUMULATIVE,
        "steps": int(rng.integers(2, 9)),
    }
    if seed % 2:
        network = random_graph(rng, **setting, layers=2 + seed % 3)
    else:
        network = random_network(rng, **setting, hidden=2, largest_channels=8, largest_map=6)
    if seed % 3:
        network = with_signed_layers(rng, network)
    network = with_own_steps(rng, network)
    check_equal(network, random_folding(rng, network), rng, images=4)
