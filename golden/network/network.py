"""The integer IF network: the one description that converter, golden, hw and sim share.

The meaning of every field is that of docs/meaning.md. A network is a directed graph without
cycles: an 8-bit image, then layers in topological order. A layer sums the currents of one or more
*connections*, each a convolution of its own over the image or over an earlier layer's spikes (a
linear layer is a convolution whose kernel covers its whole input map), takes an optional maximum
over neighbouring currents, and feeds a neuron. One or several layers are read out.

What has no field of its own is a connection: a residual sum is one connection per summand (an
identity shortcut is a depthwise 1x1 kernel), a concatenation one connection per map, a slice of
channels ``in_start``, zero-padded channels ``out_start``, average pooling ``sum_pool``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..basics.html_table import html_table
from .choices import MAX_STEPS as MAX_STEPS
from .choices import Coding as Coding
from .choices import PoolRule as PoolRule
from .choices import Readout as Readout
from .description import LAYER_COLUMNS, layer_description, shown_cell

# What a network is made of belongs to it: who takes a network apart imports the parts from here.
from .layers import BYTE_BITS as BYTE_BITS
from .layers import IMAGE as IMAGE
from .layers import MAX_WEIGHT_BITS as MAX_WEIGHT_BITS
from .layers import MIN_WEIGHT_BITS as MIN_WEIGHT_BITS
from .layers import PIXEL_BITS as PIXEL_BITS
from .layers import Connection as Connection
from .layers import Layer as Layer
from .layers import LayerShape as LayerShape
from .layers import Pool as Pool
from .layers import SumPool as SumPool
from .layers import connection_shape as connection_shape
from .layers import layer_shape as layer_shape
from .layers import sum_pool_shape as sum_pool_shape
from .unchecked_network import UncheckedNetwork
from .validation import check_network


@dataclass(frozen=True, eq=False)
class Network(UncheckedNetwork):
    """An integer IF network; construction checks it whole (``RheobaseError`` names the field).

    Attributes:
        input_shape: (channels, rows, columns) of unsigned 8-bit pixels.
        zero_point: uint8, one per input channel: what a padded pixel equals. Connections from the
            image compute with x minus zero_point.
        layers: in topological order.
        outputs: indices of the layers that are read out, ascending; the last layer is among them.
        coding, readout: see there.
        steps, delay: T and t0 (0 <= t0 < T; 0 in ``radix``).
        events: of calibration images; None where nothing was counted.
        provenance: where the network comes from; None where nobody says.

    Neither of the last two changes what the network computes, nor its hash.
    """

    def __post_init__(self) -> None:
        check_network(self)

    def __repr__(self) -> str:
        connections = [one for layer in self.layers for one in layer.connections]
        bits = sorted({connection.weight_bits for connection in connections})
        weights = sum(connection.weight.size for connection in connections)
        outputs = " and ".join(_size(shape) for shape in self.output_shapes)
        return (
            f"Network {self.name!r}: {_size(self.input_shape)} -> {outputs}; {len(self.layers)} "
            f"layers, {weights:,} weights of {' and '.join(map(str, bits))} bits; {self.coding} "
            f"coding, T = {self.steps}, t0 = {self.delay}, {self.readout} readout"
        )

    def _repr_html_(self) -> str:
        rows = [
            [shown_cell(key, layer[key]) for key in LAYER_COLUMNS]
            for layer in (layer_description(self, index) for index in range(len(self.layers)))
        ]
        return html_table(repr(self), [key.replace("_", " ") for key in LAYER_COLUMNS], rows)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
