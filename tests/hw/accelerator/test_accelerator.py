"""The whole accelerator under cocotb, its streams stalled at random, against the golden model."""

import numpy as np
import pytest
from amaranth.lib import data

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.accelerator.accelerator import Accelerator, result_layout
from rheobase.hw.design.folding import LayerFolding, check_folding
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.sim.bench import run_bench
from tests.support.networks.random_networks import random_images, random_network
from tests.support.simulation.components import check_exchange
from tests.support.simulation.streams import encoded_streams, image_streams


@pytest.mark.parametrize(
    ("coding", "readout"),
    [
        (Coding.RATE, Readout.COUNT),
        pytest.param(Coding.RADIX, Readout.CURRENT, marks=pytest.mark.slow),
    ],
)
def test_results_stream(coding, readout):
    rng = np.random.default_rng(11)
    network = random_network(
        rng,
        coding=coding,
        readout=readout,
        rule=PoolRule.CUMULATIVE,
        steps=3,
        hidden=1,
        largest_channels=5,
        largest_map=5,
    )
    pixels, beats = image_streams(network, random_images(rng, network, 3))
    check_exchange(
        Accelerator(network, default_folding(network)),
        {"pixels": (data.ArrayLayout(8, network.input_shape[0]), pixels)},
        {"results": (result_layout(network), beats)},
        ports={"steps": network.steps, "delay": network.delay},
    )


@pytest.mark.parametrize(
    "coding", [pytest.param(Coding.RATE, marks=pytest.mark.slow), Coding.RADIX]
)
def test_reset_at_any_time(coding):
    """What was inside is gone, wherever the images were, and the next ones come out right."""
    rng = np.random.default_rng(5)
    network = random_network(
        rng,
        coding=coding,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=3,
        hidden=2,
        largest_channels=4,
        largest_map=5,
    )
    pixels, results = encoded_streams(network, random_images(rng, network, 2))
    run_bench(
        Accelerator(network, default_folding(network, adders=12)),
        "tests.hw.benches.reset_bench",
        {
            "seed": 7,
            "resets": 6,
            "cycles": 500,
            "ports": {"steps": network.steps, "delay": network.delay},
            "pixels": pixels,
            "results": results,
        },
    )


def _network():
    return random_network(
        np.random.default_rng(4),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=4,
        hidden=2,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f[:-1], "2 layers, must be one P and E for each of the 3 layers"),
        (lambda f: (LayerFolding(0, 1), *f[1:]), r"P of layer 'conv0' is 0, .* in 1\.\.6$"),
        (lambda f: (LayerFolding(1, 9999), *f[1:]), r"E of layer 'conv0' is 9999, .* in 1\.\.45$"),
        (lambda f: (*f[:-1], LayerFolding(99, 1)), r"P of layer 'last' is 99, .* in 1\.\.7$"),
    ],
)
def test_folding_out_of_range(change, message):
    network = _network()
    with pytest.raises(RheobaseError, match=message):
        check_folding(network, change(default_folding(network)))


@pytest.mark.parametrize("adders", [1, 12, 60, 400])
def test_default_folding(adders):
    """Within the adders asked for, and no single step down would be as fast."""
    network = _network()
    folding = default_folding(network, adders=adders)
    check_folding(network, folding)
    used = sum(fold.neurons * fold.lanes for fold in folding)
    assert used <= max(adders, len(folding))
    slower = default_folding(network, adders=max(1, adders // 4))
    planner = Planner(network)

    def slowest(chosen):
        return max(layer.cycles for layer in planner.predict(chosen).layers)

    assert slowest(folding) <= slowest(slower)
