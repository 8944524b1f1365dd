"""Which number type holds a layer's integers exactly."""

from __future__ import annotations

import numpy as np

from .bounds import fed_channels, input_range
from .choices import Coding
from .unchecked_network import UncheckedNetwork

#: Every integer up to these magnitudes is exact in the type, sums in any order included.
FLOAT32_LIMIT, FLOAT64_LIMIT = 2**24, 2**53


def exact_dtype(network: UncheckedNetwork, index: int) -> np.dtype:
    """The faster float type (so that BLAS does the sums) in which all of layer ``index`` is exact.

    A network that float64 does not hold is refused when it is made.
    """
    exact = largest_magnitude(network, index) < FLOAT32_LIMIT
    return np.dtype(np.float32) if exact else np.dtype(np.float64)


def largest_magnitude(network: UncheckedNetwork, index: int) -> int:
    """Upper bound of the magnitude of every number that layer ``index`` computes with.

    The sum of magnitudes bounds a dot product and its partial sums in any order, whether or not
    the zero point is taken off the pixels first; over all steps it bounds accumulated currents
    and, with the start, the potential.
    """
    layer = network.layers[index]
    # Python's integers: this is what shows that int64 is wide enough elsewhere.
    sums = np.abs(layer.bias.astype(np.int64)).astype(object)
    for connection in layer.connections:
        weight = np.abs(connection.weight.astype(np.int64)).reshape(connection.out_channels, -1)
        top = input_range(network, connection.source).magnitude * connection.area
        sums[fed_channels(connection)] += weight.sum(axis=1).astype(object) * top
    rate = network.coding == Coding.RATE
    largest = int(sums.max()) * (network.steps if rate else 1)
    if layer.neurons is not None:
        neurons = layer.neurons
        largest += int(np.abs(neurons.initial_potential.astype(np.int64)).max())
        threshold = int(neurons.threshold.max())
        if neurons.negative_threshold is not None:
            threshold = int(neurons.negative_threshold.max())
            # A negative spike leaves less than this, and the sums come on top.
            largest += threshold
        fired = 1 if rate else 2 ** network.steps_of(index)
        largest = max(largest, threshold * fired)
    return largest
