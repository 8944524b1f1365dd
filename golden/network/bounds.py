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
from .neurons import Neurons
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
    def magnitude(self) -> int:
        """The largest magnitude of its numbers."""
        return max(abs(self.low), abs(self.high))

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


def input_range(network: UncheckedNetwork, source: int) -> Interval:
    """What one input from ``source`` contributes per window.

    0..255 for pixels, 0..1 for a spike in ``rate``, 0..2**T - 1 for a train in ``radix``; -1..1
    and -2**(T-1)..2**(T-1) - 1 of signed neurons. T is the source's.
    """
    if source == IMAGE:
        return Interval(0, 2**PIXEL_BITS - 1)
    signed = network.layers[source].signed
    if network.coding == Coding.RATE:
        return Interval(-1 if signed else 0, 1)
    return train_range(network.steps_of(source), signed=signed)


def train_range(steps: int, *, signed: bool) -> Interval:
    """Numbers that a ``radix`` train of ``steps`` planes spells."""
    below = 2 ** (steps - 1) if signed else 0
    return Interval(-below, 2**steps - 1 - below)


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
    inputs = input_range(network, connection.source).scaled(connection.area)
    negative, positive = np.minimum(weight, 0).sum(axis=1), np.maximum(weight, 0).sum(axis=1)
    return (
        negative * inputs.high + positive * inputs.low,
        positive * inputs.high + negative * inputs.low,
    )


def fed_channels(connection: Connection) -> slice:
    """The layer's channels that ``connection`` feeds."""
    return slice(connection.out_start, connection.out_start + connection.out_channels)


def channel_bounds(network: UncheckedNetwork, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest weighted sum of one window over all connections of layer ``index``.

    Without bias, for one time step (``rate``) or the whole train: int64, per out channel, each
    range with zero in it.
    """
    layer = network.layers[index]
    low = np.zeros(layer.out_channels, np.int64)
    high = np.zeros(layer.out_channels, np.int64)
    for connection in layer.connections:
        lower, upper = connection_bounds(network, connection)
        low[fed_channels(connection)] += lower
        high[fed_channels(connection)] += upper
    return low, high


def layer_bounds(network: UncheckedNetwork, index: int) -> Bounds:
    """Bounds of layer ``index`` of ``network``; every range contains zero."""
    layer = network.layers[index]
    low, high = channel_bounds(network, index)
    window = Interval.of(low, high)
    repeats = network.steps if network.coding == Coding.RATE else 1
    pooled_repeats = 1 if layer.sees_only_image else repeats
    pooled = window.scaled(pooled_repeats)

    bias = effective_bias(network, index)
    low, high = low + bias, high + bias
    start = np.zeros_like(bias)
    # Between spikes the extremes lie at the first or the last step that is summed.
    after_spike: tuple[np.ndarray, ...] = ()
    if layer.neurons is not None:
        start = layer.neurons.initial_potential
        least, greatest = _after_spike(layer.neurons)
        after_spike = (
            least + (repeats - 1) * np.minimum(low, 0),
            greatest + (repeats - 1) * np.maximum(high, 0),
        )
    unfired = (start + low, start + high, start + repeats * low, start + repeats * high)
    potential = Interval.of(0, start, *unfired, *after_spike)
    return Bounds(window=window, pooled=pooled, potential=potential)


def _after_spike(neurons: Neurons) -> tuple[np.ndarray, np.ndarray]:
    """Least potential that a spike lowers to, and greatest that a negative one raises to."""
    threshold = neurons.threshold.astype(np.int64)
    if neurons.negative_threshold is None:
        return np.zeros_like(threshold), np.zeros_like(threshold)
    least = neurons.silent_from
    return least, np.maximum(threshold, neurons.negative_threshold + least) - 1
