"""The integer IF network: the one description that converter, golden, hw and sim share.

The meaning of every field is that of DESIGN section 1. A network is a chain: an 8-bit input
map, then layers, each a convolution (a linear layer is a convolution whose kernel covers its
whole input map), an optional max pooling on currents, and a neuron; the last layer is read out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

#: Bits of an input pixel: the first layer sees a radix train of this many planes.
PIXEL_BITS = 8
#: Weight widths that a network may use, in bits (two's complement).
MIN_WEIGHT_BITS, MAX_WEIGHT_BITS = 2, 8
#: Largest number of time steps per coding.
MAX_STEPS = {"rate": 1024, "radix": 16}


class Coding(StrEnum):
    """What a spike at step t of T is worth."""

    RATE = "rate"  #: one
    RADIX = "radix"  #: 2**(T - t)


class PoolRule(StrEnum):
    """How the maximum of several currents is taken over time."""

    CUMULATIVE = "cumulative"  #: increments of the maximum of the accumulated currents
    STEP = "step"  #: the maximum of the currents of each step


class Readout(StrEnum):
    """What the answer is read from, in t0 < t <= T."""

    COUNT = "count"  #: the last layer's spikes
    CURRENT = "current"  #: the last layer's summed currents; it has no neuron


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


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: convolution, optional max pooling, IF neurons (or none, in a ``current`` readout).

    Arrays (all read-only):
        weight: int8, (out channels, in channels, kernel rows, kernel columns).
        bias: int32, (out channels,), added once per step (``rate``) or once in all (``radix``).
        threshold: int32 > 0, (out channels,); None in the last layer of a ``current`` readout.
        initial_potential: int32, (out channels,); None exactly where ``threshold`` is None.

    ``weight_bits`` is the two's complement width that holds every weight. ``stride`` is (rows,
    columns), ``padding`` is (top, left, bottom, right). The input map is that of the previous
    layer (the image for the first layer), which ``Network.shapes`` gives.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray | None
    initial_potential: np.ndarray | None
    weight_bits: int = 8
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pool: Pool | None = None

    @property
    def out_channels(self) -> int:
        return self.weight.shape[0]

    @property
    def in_channels(self) -> int:
        return self.weight.shape[1]

    @property
    def kernel(self) -> tuple[int, int]:
        """Kernel size (rows, columns)."""
        return self.weight.shape[2], self.weight.shape[3]


@dataclass(frozen=True)
class LayerShape:
    """Maps around one layer as (channels, rows, columns): input, before pooling, and output."""

    input: tuple[int, int, int]
    conv: tuple[int, int, int]
    output: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Network:
    """An integer IF network; construction checks it whole (``RheobaseError`` names the field).

    ``input_shape`` is (channels, rows, columns) of unsigned 8-bit pixels. ``zero_point`` (uint8,
    one per input channel) is what a padded pixel equals; the first layer computes with x minus
    zero_point. ``steps`` is T and ``delay`` is t0 (0 <= t0 < T; 0 in ``radix``).
    """

    input_shape: tuple[int, int, int]
    zero_point: np.ndarray
    layers: tuple[Layer, ...]
    coding: Coding
    steps: int
    delay: int
    readout: Readout
    name: str = "network"

    def __post_init__(self) -> None:
        from .validation import check_network

        check_network(self)

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        """The maps around each layer, first to last."""
        shapes = []
        current = self.input_shape
        for layer in self.layers:
            shape = layer_shape(layer, current)
            shapes.append(shape)
            current = shape.output
        return tuple(shapes)

    @property
    def classes(self) -> int:
        return self.layers[-1].out_channels


def layer_shape(layer: Layer, input_shape: tuple[int, int, int]) -> LayerShape:
    """Maps around ``layer`` for an input of ``input_shape`` (channels, rows, columns)."""
    top, left, bottom, right = layer.padding
    conv = (
        layer.out_channels,
        (input_shape[1] + top + bottom - layer.kernel[0]) // layer.stride[0] + 1,
        (input_shape[2] + left + right - layer.kernel[1]) // layer.stride[1] + 1,
    )
    if layer.pool is None:
        return LayerShape(input_shape, conv, conv)
    pool = layer.pool
    output = (
        conv[0],
        (conv[1] + 2 * pool.padding[0] - pool.kernel[0]) // pool.stride[0] + 1,
        (conv[2] + 2 * pool.padding[1] - pool.kernel[1]) // pool.stride[1] + 1,
    )
    return LayerShape(input_shape, conv, output)
