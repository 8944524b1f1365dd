"""Which number type holds a layer's integers exactly."""

from __future__ import annotations

import numpy as np

from .bounds import layer_bounds
from .network import Coding, Network

#: Every integer up to these magnitudes is exact in the type, sums in any order included.
FLOAT32_LIMIT, FLOAT64_LIMIT = 2**24, 2**53


def exact_dtype(network: Network, index: int) -> np.dtype:
    """The fastest type in which all that layer ``index`` computes is exact.

    float32 or float64 (so that BLAS does the sums) where the static bound allows it, else int64.
    """
    layer = network.layers[index]
    bounds = layer_bounds(network, index)
    largest = max(
        abs(end) for ends in (bounds.window, bounds.pooled, bounds.potential) for end in ends
    )
    if layer.threshold is not None:
        fired = 2**network.steps if network.coding == Coding.RADIX else 1
        largest = max(largest, int(layer.threshold.max()) * fired)
    # The sum of magnitudes bounds every intermediate value of a dot product, in any order.
    weights = np.abs(layer.weight.astype(np.int64)).reshape(layer.out_channels, -1).sum(axis=1)
    top = 255 if index == 0 else 2**network.steps if network.coding == Coding.RADIX else 1
    largest = max(largest, int(weights.max()) * top)
    if largest < FLOAT32_LIMIT:
        return np.dtype(np.float32)
    return np.dtype(np.float64) if largest < FLOAT64_LIMIT else np.dtype(np.int64)
