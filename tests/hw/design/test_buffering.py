"""Row buffers of a graph: enough that nothing hangs, and none that could be spared."""

from itertools import pairwise

import numpy as np
import pytest

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    PoolRule,
    Readout,
    RheobaseError,
)
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.buffering import blocking_connection, default_spare_rows, fewest_spare_rows
from rheobase.hw.design.folding import LayerFolding
from rheobase.hw.verilog.generation import TOP, to_verilog
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.comparison import simulate
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import random_images


def _layer(name, *connections):
    channels = 2
    ones = np.ones(channels, np.int32)
    return Layer(name, connections, ones, ones * 3, ones)


def _conv(source, rows, inputs=2):
    weight = np.ones((2, inputs, rows, 1), np.int8)
    return Connection(source, weight, 4, padding=(rows // 2, 0, rows // 2, 0))


def _identity(source):
    return Connection(source, np.ones((2, 1, 1, 1), np.int8), 4, groups=2)


def _block(*kernels, columns=3):
    """A chain of convolutions of that many rows each beside an identity shortcut."""
    layers = [_layer("stem", _conv(IMAGE, 1, inputs=1))]
    for index, rows in enumerate(kernels[:-1]):
        layers.append(_layer(f"conv{index}", _conv(index, rows)))
    layers.append(_layer("sum", _conv(len(kernels) - 1, kernels[-1]), _identity(0)))
    return Network(
        input_shape=(1, 9, columns),
        zero_point=np.zeros(1, np.uint8),
        layers=tuple(layers),
        coding=Coding.RATE,
        steps=4,
        delay=0,
        readout=Readout.COUNT,
        outputs=(len(layers) - 1,),
    )


@pytest.mark.parametrize(
    ("kernels", "spare"),
    # Row y of the sum needs row y + k // 2 over each convolution; the shortcut waits with row y.
    [((3, 3), 2), ((1, 1), 0), ((3, 1), 1), ((5, 3), 3), ((3, 3, 3), 3)],
)
def test_shortcut_waits_for_the_rows_ahead(kernels, spare):
    rows = fewest_spare_rows(_block(*kernels))
    assert rows[-1] == (0, spare)
    assert all(layer == (0,) for layer in rows[:-1])


def test_none_can_be_spared():
    """Over random graphs: the model runs, with more rows as well, and hangs with one row less."""
    spared = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        network = random_graph(
            rng,
            coding=Coding.RATE,
            readout=Readout.COUNT,
            rule=PoolRule.STEP,
            steps=1,
            layers=4,
            largest_map=7,
        )
        fewest = fewest_spare_rows(network)
        assert blocking_connection(network, fewest) is None
        assert blocking_connection(network, default_spare_rows(network)) is None
        for index, layer in enumerate(fewest):
            for number, rows in enumerate(layer):
                if rows:
                    spared += 1
                    fewer = (*layer[:number], rows - 1, *layer[number + 1 :])
                    changed = (*fewest[:index], fewer, *fewest[index + 1 :])
                    assert blocking_connection(network, changed) is not None
    assert spared > 5


@pytest.mark.slow
def test_hardware_runs_with_the_fewest_and_hangs_with_one_less():
    """Wide rows, so that the queues on the way do not stand in for a row."""
    network = _block(3, 3, columns=24)
    folding = tuple(LayerFolding(2, 1) for _ in network.layers)
    images = random_images(np.random.default_rng(0), network, 4)
    fewest = fewest_spare_rows(network)
    text = to_verilog(Accelerator(network, folding, fewest), TOP)
    built = build_simulation(network, folding, optimise="fast-build", verilog=text)
    for stalls in ({}, {"gap": 60, "stall": 80}, {"gap": 90, "stall": 5, "seed": 2}):
        assert simulate(built, images, record_images=4, processes=1, **stalls).equal
    *before, last = fewest
    text = to_verilog(Accelerator(network, folding, (*before, (0, last[1] - 1))), TOP)
    built = build_simulation(network, folding, optimise="fast-build", verilog=text)
    with pytest.raises(RheobaseError, match="the accelerator hangs"):
        run_verilog(built, images, processes=1)


def test_shortcuts_of_a_chain_add_up():
    """Spare rows grow with the number of convolutions that a shortcut passes by."""
    counts = [fewest_spare_rows(_block(*[3] * depth))[-1][1] for depth in (1, 2, 3, 4)]
    assert counts[0] == 1 and all(b == a + 1 for a, b in pairwise(counts))
