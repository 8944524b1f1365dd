"""Whole accelerators of which linear layers are serial: every spike, whatever stalls them."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Pool, PoolRule, Readout
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import SumPool
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.folding import LaneKind, LayerFolding, check_folding
from rheobase.hw.design.lane_obstacles import serial_obstacle
from rheobase.hw.planning.default_folding import default_folding
from rheobase.sim.bench import run_bench
from tests.support.networks.random_networks import (
    random_folding,
    random_images,
    random_network,
    with_own_steps,
    with_signed_layers,
)
from tests.support.simulation.equality import check_equal
from tests.support.simulation.streams import encoded_streams


def _with_serial(rng, network, folding):
    """``folding`` with serial layers wherever a layer can be one, of a P that may not divide."""
    found = []
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        if serial_obstacle(network, index) is None:
            neurons = int(rng.integers(1, layer.out_channels + 1))
            divisors = [n for n in range(1, neurons + 1) if neurons % n == 0]
            fold = replace(
                fold,
                neurons=neurons,
                row_words=None,
                large_rows=None,
                extra_rows=None,
                firing=int(rng.choice(divisors)) if layer.threshold is not None else None,
                lane_kind=LaneKind.SERIAL,
            )
        found.append(fold)
    return tuple(found)


@pytest.mark.parametrize(
    ("coding", "readout", "seed"),
    [
        (Coding.RADIX, Readout.COUNT, 1),
        (Coding.RATE, Readout.CURRENT, 2),
        pytest.param(Coding.RADIX, Readout.CURRENT, 3, marks=pytest.mark.slow),
        pytest.param(Coding.RATE, Readout.CURRENT, 4, marks=pytest.mark.slow),
        pytest.param(Coding.RADIX, Readout.COUNT, 6, marks=pytest.mark.slow),
    ],
)
def test_random_networks(coding, readout, seed):
    """A convolution with a pool, and behind it a serial layer over its whole map."""
    rng = np.random.default_rng(seed)
    network = random_network(
        rng,
        coding=coding,
        readout=readout,
        rule=PoolRule.STEP,
        steps=3,
        largest_channels=6,
        largest_map=6,
    )
    network = with_signed_layers(rng, network)
    if coding == Coding.RADIX:
        network = with_own_steps(rng, network)
    folding = _with_serial(rng, network, random_folding(rng, network))
    assert [fold.serial for fold in folding] == [False, True]
    check_equal(network, folding, rng)


def _layer(rng, name, connection, channels, fires=True):
    threshold = rng.integers(40, 400, channels).astype(np.int32)
    bias = rng.integers(-50, 50, channels).astype(np.int32)
    neurons = (threshold, threshold // 2) if fires else (None, None)
    return Layer(name, (connection,), bias, *neurons)


def _weight(rng, *shape):
    return rng.integers(-8, 8, shape).astype(np.int8)


def _linear_network(rng, coding):
    """Linear layers: of a cropped part of the image, of some channels, and to some channels."""
    first = Connection(IMAGE, _weight(rng, 9, 2, 3, 3), 4, padding=(-1, 0, -1, -1), in_start=1)
    second = Connection(0, _weight(rng, 5, 6, 1, 1), 4, in_start=2, out_start=1)
    last = Connection(1, _weight(rng, 4, 7, 1, 1), 4)
    if coding == Coding.RATE:  # a layer between would fire step by step
        seven = replace(first, weight=first.weight[:7])
        behind = replace(last, source=0)
        layers = (_layer(rng, "first", seven, 7), _layer(rng, "last", behind, 4, fires=False))
    else:
        layers = (
            _layer(rng, "first", first, 9),
            _layer(rng, "second", second, 7),
            _layer(rng, "last", last, 4, fires=False),
        )
    return _network(coding, layers)


def _network(coding, layers, readout=Readout.CURRENT, outputs=None):
    return Network(
        input_shape=(3, 5, 4),
        zero_point=np.array([7, 130, 255], np.uint8),
        layers=layers,
        coding=coding,
        steps=3,
        delay=0,
        readout=readout,
        outputs=outputs or (len(layers) - 1,),
    )


@pytest.mark.parametrize("coding", Coding)
def test_parts_of_maps(coding):
    rng = np.random.default_rng(3)
    network = _linear_network(rng, coding)
    folding = _with_serial(rng, network, tuple(LayerFolding(1, 1) for _ in network.layers))
    assert all(fold.serial for fold in folding)
    check_equal(network, folding, rng)


def _summed_network(rng):
    """A map whose padded windows are summed up in front of a linear layer, and one that pads."""
    first = Connection(IMAGE, _weight(rng, 5, 3, 2, 2), 4, stride=(2, 2))
    summed = Connection(
        0, _weight(rng, 6, 5, 1, 1), 4, sum_pool=SumPool((4, 4), (1, 1), (1, 1, 1, 1))
    )
    padded = Connection(0, _weight(rng, 3, 5, 3, 3), 4, padding=(1, 0, 0, 1))
    layers = (
        _layer(rng, "first", first, 5),
        _layer(rng, "summed", summed, 6),
        _layer(rng, "padded", padded, 3),
    )
    return _network(Coding.RADIX, layers, readout=Readout.COUNT, outputs=(1, 2))


def test_sums_of_maps_and_padding():
    rng = np.random.default_rng(5)
    network = _summed_network(rng)
    folding = _with_serial(rng, network, tuple(LayerFolding(2, 1) for _ in network.layers))
    assert [fold.serial for fold in folding] == [False, True, True]
    check_equal(network, folding, rng)


def test_reset_at_any_time():
    """The sums of what was inside are gone as well, though a memory holds them."""
    rng = np.random.default_rng(5)
    network = _linear_network(rng, Coding.RADIX)
    folding = _with_serial(rng, network, default_folding(network))
    pixels, results = encoded_streams(network, random_images(rng, network, 2))
    run_bench(
        Accelerator(network, folding),
        "tests.hw.benches.reset_bench",
        {
            "seed": 7,
            "resets": 8,
            "cycles": 400,
            "ports": {"steps": network.steps, "delay": network.delay},
            "pixels": pixels,
            "results": results,
        },
    )


def _refused(network, index, message):
    folding = [LayerFolding(1, 1) for _ in network.layers]
    folding[index] = LayerFolding(1, 1, lane_kind=LaneKind.SERIAL)
    with pytest.raises(RheobaseError, match=message):
        check_folding(network, tuple(folding))


def test_refusals():
    rng = np.random.default_rng(0)
    radix, rate = (_linear_network(rng, coding) for coding in (Coding.RADIX, Coding.RATE))
    summed = _summed_network(rng)
    _refused(summed, 0, "serial layer 'first' has 2x2 windows, must have one over the whole map")
    first, *others = radix.layers
    (connection,) = first.connections
    padded = replace(connection, padding=(1, 0, 0, -1), weight=_weight(rng, 9, 2, 6, 3))
    network = replace(radix, layers=(replace(first, connections=(padded,)), *others))
    _refused(network, 0, "serial layer 'first' pads the image, must see its pixels alone")
    dilated = replace(connection, weight=_weight(rng, 9, 2, 3, 2), dilation=(1, 2))
    network = replace(radix, layers=(replace(first, connections=(dilated,)), *others))
    _refused(network, 0, "has a dilated kernel, must see every row and column")
    (connection,) = others[0].connections
    grouped = replace(connection, weight=_weight(rng, 4, 3, 1, 1), groups=2)
    grouped = replace(others[0], connections=(grouped,))
    network = replace(radix, layers=(first, grouped, others[1]))
    _refused(network, 1, "has 2 kernel groups, must have one")
    doubled = replace(others[1], connections=others[1].connections * 2)
    network = replace(radix, layers=(first, others[0], doubled))
    _refused(network, 2, "sums up 2 connections, must have one")
    nines = np.full(4, 9, np.int32)
    counted = replace(rate.layers[1], threshold=nines, initial_potential=nines // 2)
    network = replace(rate, layers=(rate.layers[0], counted), readout=Readout.COUNT)
    _refused(network, 1, "fires in `rate` on spikes, whose currents differ from step to step")
    first, second, last = summed.layers
    pooled = replace(last, pool=Pool((2, 2), (1, 1), (1, 1)))
    network = replace(summed, layers=(first, second, pooled))
    _refused(network, 2, "has max pooling, must have one window for each sum")
    sums = SumPool((1, 1), (1, 1))
    kernel = replace(second.connections[0], weight=_weight(rng, 6, 5, 2, 2), sum_pool=sums)
    network = replace(summed, layers=(first, replace(second, connections=(kernel,)), last))
    _refused(network, 1, "has a 2x2 kernel behind a sum pool, must have a 1x1 kernel there")
