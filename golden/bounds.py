"""Static bounds over all possible inputs (DESIGN section 1, "Width").

They decide both the float type in which the golden model may use BLAS and still be exact, and
the width of every accumulator and potential in the hardware, so that nothing can overflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .network import PIXEL_BITS, Coding, Layer, Network


@dataclass(frozen=True)
class Bounds:
    """Inclusive integer ranges of one layer, taken over its channels and all inputs.

    Attributes:
        window: one window's weighted sum without bias, for one time step (``rate``) or for the
            whole train (``radix`` and pixels).
        partial: any partial sum of such a window, in any order of its events.
        pooled: what the maximum is taken over: ``window`` accumulated over all steps in
            ``rate``, equal to ``window`` elsewhere.
        potential: the membrane potential before and after firing, at every step; for a layer
            without neurons, the sum of its currents (bias included) over any window of steps.
    """

    window: tuple[int, int]
    partial: tuple[int, int]
    pooled: tuple[int, int]
    potential: tuple[int, int]


def input_maximum(network: Network, index: int) -> int:
    """Largest value that one input of layer ``index`` contributes per window.

    255 for pixels, one for a spike in ``rate``, 2**T - 1 for a train in ``radix``.
    """
    if index == 0:
        return 2**PIXEL_BITS - 1
    return 1 if network.coding == Coding.RATE else 2**network.steps - 1


def effective_bias(network: Network, index: int) -> np.ndarray:
    """Bias (int64, per out channel) with the first layer's zero point folded in.

    The first layer computes sum w * (x - z) = sum w * x - sum w * z, and a padded pixel equals z,
    so the second sum is the same for every window.
    """
    layer = network.layers[index]
    bias = layer.bias.astype(np.int64)
    if index == 0:
        per_channel = layer.weight.astype(np.int64).sum(axis=(2, 3))
        bias = bias - per_channel @ network.zero_point.astype(np.int64)
    return bias


def layer_bounds(network: Network, index: int) -> Bounds:
    """Bounds of layer ``index`` of ``network``; every range contains zero."""
    layer: Layer = network.layers[index]
    weight = layer.weight.astype(np.int64).reshape(layer.out_channels, -1)
    top = input_maximum(network, index)
    low = np.minimum(weight, 0).sum(axis=1) * top
    high = np.maximum(weight, 0).sum(axis=1) * top
    window = (int(low.min()), int(high.max()))
    repeats = network.steps if network.coding == Coding.RATE else 1
    pooled_repeats = repeats if index > 0 else 1
    pooled = (window[0] * pooled_repeats, window[1] * pooled_repeats)

    bias = effective_bias(network, index)
    start = np.zeros_like(bias) if layer.threshold is None else layer.initial_potential
    # A spike lowers the potential only from at least the threshold to at least zero, so the
    # unfired sum bounds it from both sides; the extremes lie at the first or the last step.
    last_low = start + repeats * (low + bias)
    last_high = start + repeats * (high + bias)
    first_low, first_high = start + low + bias, start + high + bias
    potential = (
        int(min(0, start.min(), first_low.min(), last_low.min())),
        int(max(0, start.max(), first_high.max(), last_high.max())),
    )
    return Bounds(window=window, partial=window, pooled=pooled, potential=potential)
