"""What a network is made of: connections, layers, and the maps around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .choices import PoolRule
from .neurons import Neurons

#: Bits of an input pixel: the first layer sees a radix train of this many planes.
PIXEL_BITS = 8
#: Weight widths that a network may use, in bits (two's complement). More than ``BYTE_BITS`` are
#: for connections whose few weights are thresholds of their source, such as identity shortcuts.
MIN_WEIGHT_BITS, BYTE_BITS, MAX_WEIGHT_BITS = 2, 8, 16
#: ``Connection.source`` of the image.
IMAGE = -1


@dataclass(frozen=True)
class Pool:
    """Max pooling on currents, in front of the neuron.

    ``kernel`` and ``stride`` are (rows, columns). A padded position never wins the maximum;
    ``padding`` is (rows, columns) on either side and at most half the kernel.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    rule: PoolRule = PoolRule.CUMULATIVE


@dataclass(frozen=True)
class SumPool:
    """Sum over windows of the source's map, in front of the kernel: average pooling's linear part.

    ``kernel`` and ``stride`` are (rows, columns), ``padding`` is (top, left, bottom, right), each
    0 or more and smaller than the kernel. The division is folded into the weights. Every position
    of a window shares one set of weights, which is what sets it apart from a larger kernel.
    Padding adds nothing to a sum (of an image: as many zero points as there are padded pixels).
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Connection:
    """Weighted synapses from one source to a layer: a convolution.

    Attributes:
        source: index of an earlier layer with neurons, or ``IMAGE``.
        weight: (out channels, in channels / groups, kernel rows, kernel columns), read-only; int8
            up to 8 ``weight_bits``, int16 above.
        weight_bits: two's complement width that holds every weight.
        stride: (rows, columns).
        padding: (top, left, bottom, right), each smaller than the dilated kernel; a negative one
            crops the map. After ``sum_pool`` where there is one.
        dilation: (rows, columns).
        groups: as in torch: output channel o sees the input channels of its own group.
        in_start: first channel of the source that is seen; the ``in_channels`` from it are.
        out_start: first channel of the layer that is fed; the ``out_channels`` from it are, the
            others receive nothing over this connection.
        sum_pool: sums over the source's map in front of the kernel, or None.
    """

    source: int
    weight: np.ndarray
    weight_bits: int = BYTE_BITS
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    in_start: int = 0
    out_start: int = 0
    sum_pool: SumPool | None = None

    def __repr__(self) -> str:
        source = "the image" if self.source == IMAGE else f"layer {self.source}"
        size = " x ".join(map(str, self.weight.shape))
        return f"Connection from {source}: {size} weights of {self.weight_bits} bits"

    @property
    def out_channels(self) -> int:
        return self.weight.shape[0]

    @property
    def in_channels(self) -> int:
        """Channels of the source that are seen, all groups together."""
        return self.weight.shape[1] * self.groups

    @property
    def kernel(self) -> tuple[int, int]:
        """Kernel size (rows, columns) without dilation."""
        return self.weight.shape[2], self.weight.shape[3]

    @property
    def area(self) -> int:
        """Positions of the source that one position in front of the kernel sums up."""
        return self.sum_pool.kernel[0] * self.sum_pool.kernel[1] if self.sum_pool else 1

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns that the dilated kernel covers."""
        rows, columns = self.kernel
        return (rows - 1) * self.dilation[0] + 1, (columns - 1) * self.dilation[1] + 1


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: connections, optional max pooling, IF neurons (or none, in a ``current`` readout).

    Arrays (all read-only):
        bias: int32, (out channels,), added once per step (``rate``) or once in all (``radix``).
        threshold: int32 > 0, (out channels,); None where a ``current`` readout reads the layer.
        initial_potential: int32, (out channels,); None exactly where ``threshold`` is None.
        negative_threshold: int32 >= ``threshold``, (out channels,), where neurons fire signed; None
            where they do not, and in what a ``count`` readout reads.

    All connections give maps of the same size; currents are summed, pooled, then the bias is
    added. ``steps`` is the T of its own that the neurons of a layer fire with in ``radix``, at
    most the network's; None where it is the network's.
    """

    name: str
    connections: tuple[Connection, ...]
    bias: np.ndarray
    threshold: np.ndarray | None
    initial_potential: np.ndarray | None
    pool: Pool | None = None
    negative_threshold: np.ndarray | None = None
    steps: int | None = None

    def __repr__(self) -> str:
        neurons = ", signed" if self.signed else ""
        if self.steps is not None:
            neurons += f", T = {self.steps}"
        if self.threshold is None:
            neurons = ", no neurons"
        return f"Layer {self.name!r}: {self.out_channels} channels{neurons}, {self.connections}"

    @property
    def out_channels(self) -> int:
        return len(self.bias)

    @property
    def neurons(self) -> Neurons | None:
        """None where a ``current`` readout reads the layer."""
        if self.threshold is None or self.initial_potential is None:
            return None
        return Neurons(self.threshold, self.initial_potential, self.negative_threshold)

    @property
    def signed(self) -> bool:
        """Its neurons fire signed."""
        return self.negative_threshold is not None

    @property
    def sees_only_image(self) -> bool:
        """Its current is the same at every step."""
        return all(connection.source == IMAGE for connection in self.connections)


@dataclass(frozen=True)
class LayerShape:
    """Maps around one layer as (channels, rows, columns).

    Attributes:
        inputs: per connection, the whole map of its source.
        conv: the summed currents before pooling.
        output: after pooling.
    """

    inputs: tuple[tuple[int, int, int], ...]
    conv: tuple[int, int, int]
    output: tuple[int, int, int]


def layer_shape(layer: Layer, inputs: tuple[tuple[int, int, int], ...]) -> LayerShape:
    """Maps around ``layer``; ``inputs`` has the (channels, rows, columns) of each source."""
    first = layer.connections[0]
    conv = (layer.out_channels, *connection_shape(first, inputs[0])[1:])
    if layer.pool is None:
        return LayerShape(inputs, conv, conv)
    pool = layer.pool
    output = (
        conv[0],
        (conv[1] + 2 * pool.padding[0] - pool.kernel[0]) // pool.stride[0] + 1,
        (conv[2] + 2 * pool.padding[1] - pool.kernel[1]) // pool.stride[1] + 1,
    )
    return LayerShape(inputs, conv, output)


def connection_shape(connection: Connection, source: tuple[int, int, int]) -> tuple[int, int, int]:
    """(channels, rows, columns) that ``connection`` gives for a source map of that kind."""
    size = source[1:]
    if connection.sum_pool is not None:
        size = sum_pool_shape(connection.sum_pool, size)
    rows, columns = _extents(size, connection.padding, connection.extent, connection.stride)
    return (connection.out_channels, rows, columns)


def sum_pool_shape(sums: SumPool, size: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) that ``sums`` makes of a map of (rows, columns)."""
    return _extents(size, sums.padding, sums.kernel, sums.stride)


def _extents(
    size: tuple[int, int],
    padding: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
) -> tuple[int, int]:
    """Rows and columns after a window of ``kernel`` slides over a padded map of ``size``."""
    top, left, bottom, right = padding
    return (
        (size[0] + top + bottom - kernel[0]) // stride[0] + 1,
        (size[1] + left + right - kernel[1]) // stride[1] + 1,
    )
