"""Static bounds over all possible inputs (docs/meaning.md, "Width").

They decide both the float type in which the golden model may use BLAS and still be exact, and
the width of every accumulator and potential in the hardware, so that nothing can overflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import RheobaseError
from .choices import Coding
from .layers import IMAGE, PIXEL_BITS, Connection
from .unchecked_network import UncheckedNetwork


@dataclass(frozen=True)
class Interval:
    """All integers from ``low`` to ``high``, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise RheobaseError(f"Interval: {self.low}..{self.high} is empty, low must be <= high")

    @classmethod
    def of(cls, *values: np.ndarray | int) -> Interval:
        """The smallest one that holds all ``values``, numbers or whole arrays of them."""
        return cls(
            int(min(np.min(value) for value in values)), int(max(np.max(value) for value in values))
        )

    def __add__(self, other: Interval) -> Interval:
        """Sums of a number of this one and a number of ``other``."""
        return Interval(self.low + other.low, self.high + other.high)

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high

    def scaled(self, factor: int) -> Interval:
        """``factor`` (>= 0) times its numbers."""
        return Interval(self.low * factor, self.high * factor)

    @property
    def bits(self) -> int:
        """Least width, in two's complement, that holds all of them."""
        return max((~min(self.low, -1)).bit_length(), max(self.high, 0).bit_length()) + 1


@dataclass(frozen=True)
class Bounds:
    """Inclusive integer ranges of one layer, taken over its channels and all inputs.

    Attributes:
        window: one window's weighted sum over all connections without bias, for one time step
            (``rate``) or for the whole train (``radix`` and pixels). Pixels count as they are,
            without the zero point, which ``effective_bias`` has. Partial sums of a window, in any
            order of its events, lie in it as well.
        pooled: what the maximum is taken over: ``window`` accumulated over all steps in
            ``rate``, equal to ``window`` in ``radix`` and where only the image is seen.
        potential: the membrane potential before and after firing, at every step; for a layer
            without neurons, the sum of its currents (bias included) over any window of steps.
    """

    window: Interval
    pooled: Interval
    potential: Interval


def input_maximum(network: UncheckedNetwork, source: int) -> int:
    """Largest value that one input from ``source`` contributes per window.

    255 for pixels, one for a spike in ``rate``, 2**T - 1 for a train in ``radix``.
    """
    if source == IMAGE:
        return 2**PIXEL_BITS - 1
    return 1 if network.coding == Coding.RATE else 2**network.steps - 1


def effective_bias(network: UncheckedNetwork, index: int) -> np.ndarray:
    """Bias (int64, per out channel) with the zero point of connections from the image folded in.

    Such a connection computes sum w * (x - z) = sum w * x - sum w * z, and a padded pixel equals
    z, so the second sum is the same for every window. Before a kernel that follows a ``sum_pool``
    lie sums of as many pixels as its windows have positions; so z counts that often.
    """
    layer = network.layers[index]
    bias = layer.bias.astype(np.int64)
    for connection in layer.connections:
        if connection.source == IMAGE:
            grouped = connection.weight.astype(np.int64).sum(axis=(2, 3))
            grouped = grouped.reshape(connection.groups, -1, grouped.shape[1])
            seen = slice(connection.in_start, connection.in_start + connection.in_channels)
            zero_point = network.zero_point[seen].astype(np.int64).reshape(connection.groups, -1)
            folded = np.einsum("goi,gi->go", grouped, zero_point).reshape(-1) * connection.area
            bias[fed_channels(connection)] -= folded
    return bias


def connection_bounds(
    network: UncheckedNetwork, connection: Connection
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest weighted sum of one window: int64, per out channel of ``connection``."""
    weight = connection.weight.astype(np.int64).reshape(connection.out_channels, -1)
    top = input_maximum(network, connection.source) * connection.area
    return np.minimum(weight, 0).sum(axis=1) * top, np.maximum(weight, 0).sum(axis=1) * top


def fed_channels(connection: Connection) -> slice:
    """The layer's channels that ``connection`` feeds."""
    return slice(connection.out_start, connection.out_start + connection.out_channels)


def layer_bounds(network: UncheckedNetwork, index: int) -> Bounds:
    """Bounds of layer ``index`` of ``network``; every range contains zero."""
    layer = network.layers[index]
    low = np.zeros(layer.out_channels, np.int64)
    high = np.zeros(layer.out_channels, np.int64)
    for connection in layer.connections:
        lower, upper = connection_bounds(network, connection)
        low[fed_channels(connection)] += lower
        high[fed_channels(connection)] += upper
    window = Interval.of(low, high)
    repeats = network.steps if network.coding == Coding.RATE else 1
    pooled_repeats = 1 if layer.sees_only_image else repeats
    pooled = window.scaled(pooled_repeats)

    bias = effective_bias(network, index)
    start = np.zeros_like(bias) if layer.neurons is None else layer.neurons[1]
    # A spike lowers the potential only from at least the threshold to at least zero, so the
    # unfired sum bounds it from both sides; the extremes lie at the first or the last step.
    last_low = start + repeats * (low + bias)
    last_high = start + repeats * (high + bias)
    first_low, first_high = start + low + bias, start + high + bias
    potential = Interval.of(0, start, first_low, last_low, first_high, last_high)
    return Bounds(window=window, pooled=pooled, potential=potential)
