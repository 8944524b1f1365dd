"""Small networks of the shapes that random draws seldom have, each with its own folding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout, SumPool
from rheobase.golden.network.network import layer_shape
from rheobase.hw.design.folding import Folding, LayerFolding

#: Channels, rows and columns of the map that the layer of a rare shape sees.
SOURCE = (6, 3, 3)
CHANNELS = 7


def _weight(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-8, 8, shape).astype(np.int8)


def padded_sums(rng: np.random.Generator) -> tuple[Connection, tuple[int, ...]]:
    """A kernel behind a sum pool that is padded itself, as is the kernel on one side."""
    sums = SumPool((2, 3), (1, 1), (1, 1, *rng.integers(0, 2, 2).tolist()))
    padding = tuple(rng.integers(0, 2, 4).tolist())
    return Connection(0, _weight(rng, CHANNELS, 6, 2, 2), 4, padding=padding, sum_pool=sums), (3, 2)


def fitting_kernel_groups(rng: np.random.Generator) -> tuple[Connection, tuple[int, ...]]:
    """Kernel groups of two channels, from the second group of P = 2 and not from channel 0 on."""
    weight = _weight(rng, 4, 2, 2, 2)
    return Connection(0, weight, 4, groups=2, in_start=2, out_start=2), (2, 1)


def straddling_kernel_groups(rng: np.random.Generator) -> tuple[Connection, tuple[int, ...]]:
    """Kernel groups of two channels that begin within the second group of P = 2."""
    weight = _weight(rng, 4, 2, 2, 2)
    return Connection(0, weight, 4, groups=2, in_start=1, out_start=3), (2, 2)


def direct(rng: np.random.Generator) -> tuple[Connection, tuple[int, ...]]:
    """Depthwise kernels from channel 2 on, in several groups."""
    weight = _weight(rng, 4, 1, 2, 3)
    return Connection(0, weight, 4, groups=4, in_start=2, out_start=1, padding=(1, 0, 0, 1)), (3, 1)


def direct_in_one_group(rng: np.random.Generator) -> tuple[Connection, tuple[int, ...]]:
    """Depthwise kernels where all of a layer's neurons are one group."""
    return Connection(0, _weight(rng, 6, 1, 2, 2), 4, groups=6, out_start=1), (CHANNELS, 1)


RARE: dict[str, Callable] = {
    shape.__name__: shape
    for shape in (
        padded_sums,
        fitting_kernel_groups,
        straddling_kernel_groups,
        direct,
        direct_in_one_group,
    )
}


def rare_network(rng: np.random.Generator, shape: str, coding: Coding) -> tuple[Network, Folding]:
    """An image, a layer, one of the rare ``shape``, and a streamed average over the map."""
    inputs = (2, SOURCE[1], SOURCE[2])
    connection, (neurons, lanes) = RARE[shape](rng)

    def fires(name: str, connection: Connection, channels: int, most: int) -> Layer:
        threshold = rng.integers(most // 4, most, channels).astype(np.int32)
        bias = rng.integers(0, most // 2, channels).astype(np.int32)
        return Layer(name, (connection,), bias, threshold, threshold // 2)

    worth = 1 if coding == Coding.RATE else 4
    first = fires("first", Connection(IMAGE, _weight(rng, SOURCE[0], 2, 1, 1), 4), SOURCE[0], 900)
    rare = fires(shape, connection, CHANNELS, 12 * worth)
    side = layer_shape(rare, (SOURCE,)).output[1:]
    # With an adder for each class the words are summed as they come, and no row of them is kept.
    average = Connection(1, _weight(rng, 3, CHANNELS, 1, 1), 4, sum_pool=SumPool(side, (1, 1)))
    last = Layer("last", (average,), np.zeros(3, np.int32), None, None)
    network = Network(
        input_shape=inputs,
        zero_point=rng.integers(0, 256, 2).astype(np.uint8),
        layers=(first, rare, last),
        coding=coding,
        steps=3,
        delay=int(rng.integers(2)) if coding == Coding.RATE else 0,
        readout=Readout.CURRENT,
        outputs=(2,),
    )
    first_neurons = int(rng.integers(1, SOURCE[0] + 1))
    folding = (LayerFolding(first_neurons, 1), LayerFolding(neurons, lanes), LayerFolding(3, 1))
    return network, folding
