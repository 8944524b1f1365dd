"""Whole accelerators of which layers have graph lanes: every spike, whatever stalls them."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Pool, PoolRule, Readout
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import SumPool
from rheobase.hw.design.folding import LaneKind, LayerFolding, check_folding
from rheobase.hw.design.lane_obstacles import graph_obstacle
from tests.support.networks.random_networks import (
    random_folding,
    random_network,
    with_own_steps,
    with_signed_layers,
)
from tests.support.simulation.equality import check_equal

pytest.importorskip("da4ml", reason="graph lanes need the extra graphs")


def _with_graphs(rng, network, folding):
    """``folding`` with a graph lane wherever a layer can have one."""
    found = []
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        if graph_obstacle(network, index) is None:
            channels = layer.out_channels
            turns = [n for n in range(1, channels + 1) if channels % n == 0]
            firing = int(rng.choice(turns)) if layer.threshold is not None else None
            fold = replace(
                fold,
                neurons=channels,
                lanes=1,
                row_words=None,
                large_rows=None,
                firing=firing,
                lane_kind=LaneKind.GRAPH,
            )
        found.append(fold)
    return tuple(found)


#: Coding, rule, readout, and a seed whose network has graph lanes behind one another and a pool.
NETWORKS = (
    (Coding.RADIX, PoolRule.STEP, Readout.CURRENT, 7),
    (Coding.RATE, PoolRule.CUMULATIVE, Readout.COUNT, 28),
    (Coding.RADIX, PoolRule.STEP, Readout.COUNT, 5),
    (Coding.RATE, PoolRule.STEP, Readout.CURRENT, 12),
)


@pytest.mark.parametrize(
    ("coding", "rule", "readout", "seed"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (i > 0)) for i, case in enumerate(NETWORKS)],
)
def test_random_networks(coding, rule, readout, seed):
    rng = np.random.default_rng(seed)
    network = random_network(
        rng,
        coding=coding,
        readout=readout,
        rule=rule,
        steps=3,
        hidden=2,
        largest_channels=4,
        largest_map=7,
    )
    network = with_signed_layers(rng, network)
    if coding == Coding.RADIX:
        network = with_own_steps(rng, network)
    folding = _with_graphs(rng, network, random_folding(rng, network))
    assert sum(fold.graph for fold in folding) >= 2
    check_equal(network, folding, rng)


def _summed_network(rng, coding):
    """A part of the image summed over a padded pool, kernel groups, and a pool of other rows."""

    def layer(name, connection, channels, pool=None):
        threshold = rng.integers(40, 400, channels).astype(np.int32)
        bias = rng.integers(-50, 50, channels).astype(np.int32)
        return Layer(name, (connection,), bias, threshold, threshold // 2, pool)

    def weight(*shape):
        return rng.integers(-8, 8, shape).astype(np.int8)

    first = Connection(
        IMAGE,
        weight(4, 1, 2, 2),
        4,
        padding=(1, 0, 0, 1),
        sum_pool=SumPool((2, 1), (1, 1), (1, 0, 0, 0)),
        in_start=1,
    )
    second = Connection(0, weight(6, 2, 2, 3), 4, dilation=(1, 2), padding=(1, 2, 0, 2), groups=2)
    last = Connection(1, weight(3, 6, 1, 1), 4, sum_pool=SumPool((2, 2), (1, 2), (0, 1, 0, 0)))
    layers = (
        layer("first", first, 4),
        layer("second", second, 6, Pool((2, 1), (2, 1))),
        layer("last", last, 3),
    )
    return Network(
        input_shape=(2, 6, 5),
        zero_point=np.array([7, 130], np.uint8),
        layers=layers,
        coding=coding,
        steps=3,
        delay=0,
        readout=Readout.COUNT,
        outputs=(2,),
    )


@pytest.mark.slow
@pytest.mark.parametrize("coding", Coding)
def test_sum_pools_groups_and_zero_point(coding):
    rng = np.random.default_rng(3)
    network = _summed_network(rng, coding)
    folding = _with_graphs(rng, network, tuple(LayerFolding(1, 1) for _ in network.layers))
    assert all(fold.graph for fold in folding)
    check_equal(network, folding, rng)


def test_refusals():
    rng = np.random.default_rng(0)
    network = random_network(
        rng, coding=Coding.RADIX, readout=Readout.COUNT, rule=PoolRule.STEP, steps=2, hidden=1
    )
    graph = LayerFolding(1, 1, lane_kind=LaneKind.GRAPH)
    summed = _summed_network(rng, Coding.RADIX)
    for pool in (Pool((2, 1), (1, 1)), Pool((2, 1), (2, 1), (1, 0)), Pool((2, 2), (2, 2), (0, 1))):
        first, second, last = summed.layers
        pooled = replace(summed, layers=(first, replace(second, pool=pool), last))
        with pytest.raises(RheobaseError, match=f"a graph lane has a 2x{pool.kernel[1]} pool"):
            check_folding(pooled, (LayerFolding(1, 1), graph, LayerFolding(1, 1)))
    channels = network.layers[1].out_channels
    assert channels > 1
    with pytest.raises(RheobaseError, match=f"is 1, must be its {channels} output channels"):
        check_folding(network, (LayerFolding(1, 1), graph))
