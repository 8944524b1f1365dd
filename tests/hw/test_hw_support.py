"""What there is no hardware for is refused before anything is made."""

from dataclasses import replace

import numpy as np
import pytest
from rheobase.golden import IMAGE, Connection, RheobaseError, SumPool
from rheobase.golden.network import Coding, PoolRule, Readout
from rheobase.hw.folding import LayerFolding, check_folding, default_folding
from rheobase.hw.verilog import generate
from support.random_networks import random_network


def _network():
    return random_network(
        np.random.default_rng(4), coding=Coding.RATE, readout=Readout.COUNT, rule=PoolRule.STEP,
        steps=2, hidden=1, largest_channels=4, largest_map=6,
    )  # fmt: skip


def _connection(**fields):
    def change(network):
        last = network.layers[-1]
        last = replace(last, connections=(replace(last.connections[0], **fields),))
        return replace(network, layers=(*network.layers[:-1], last))

    return change


def _twice(network):
    last = network.layers[-1]
    return replace(
        network, layers=(*network.layers[:-1], replace(last, connections=last.connections * 2))
    )


def _from_image(network):
    """The last layer sees the image, the layer before it is an output too."""
    last = network.layers[-1]
    weight = np.ones((last.out_channels, *network.input_shape), np.int8)
    last = replace(last, connections=(Connection(IMAGE, weight),))
    return replace(network, layers=(*network.layers[:-1], last), outputs=(0, 1))


def _wide(network):
    weight = network.layers[-1].connections[0].weight.astype(np.int16)
    return _connection(weight=weight, weight_bits=9)(network)


def _map(network):
    return replace(network, layers=network.layers[:-1], outputs=(0,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_twice, "layer 'last' has 2 connections, accepted is one"),
        (_from_image, r"outputs is \(0, 1\), accepted is the last layer alone \(1,\)"),
        (_wide, "weight_bits of layer 'last' is 9, accepted is at most 8"),
        (_map, r"the last map is \d x \d, accepted is 1 x 1"),
        (_connection(dilation=(1, 2)), r"dilation of layer 'last' is \(1, 2\), accepted"),
        (_connection(sum_pool=SumPool((1, 1), (1, 1))), "sum_pool of layer 'last' is SumPool"),
    ],
)
def test_refused(change, message):
    network = _network()
    assert default_folding(network)
    folding = tuple(LayerFolding(1, 1) for _ in network.layers)
    changed = change(network)
    with pytest.raises(RheobaseError, match=message):
        generate(changed)
    with pytest.raises(RheobaseError, match=message):
        check_folding(changed, folding)
