"""A connection's synapses as the hardware sees them: groups of P neurons, blocks of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.bounds import fed_channels
from ...golden.network.network import IMAGE, Connection, Network


@dataclass(frozen=True, eq=False)
class Synapses:
    """Weights of one connection for groups of P neurons.

    Where P fits the kernel groups, a group of neurons sees the channels of its own kernel group and
    no zeros are stored. Where it does not, a group may see several kernel groups: then all channels
    are stored, and those that do not feed it are masked.

    Attributes:
        fed: groups that the connection feeds.
        blocks: (blocks, P, channels, kernel rows, kernel columns).
        block_of: per group, the block that it adds (0 where it is not fed).
        kernel_group_of: per group, the kernel group whose channels it sees; None where it sees all.
        seen: bool, (groups, channels): channels that feed the group; None where all do.
    """

    fed: range
    blocks: np.ndarray
    block_of: tuple[int, ...]
    kernel_group_of: tuple[int, ...] | None = None
    seen: np.ndarray | None = None

    @property
    def channels(self) -> int:
        """Channels that a group sees."""
        return self.blocks.shape[2]


def fed_groups(connection: Connection, neurons: int) -> range:
    """Groups of ``neurons`` (P) that ``connection`` feeds."""
    fed = fed_channels(connection)
    return range(fed.start // neurons, ceil_div(fed.stop, neurons))


def fits_kernel_groups(connection: Connection, neurons: int) -> bool:
    """Whether each group of ``neurons`` (P) lies within one kernel group."""
    outputs = connection.out_channels // connection.groups
    return outputs % neurons == 0 and connection.out_start % neurons == 0


def is_direct(connection: Connection) -> bool:
    """Whether each neuron sees one channel of its own (depthwise), so that no lane has to search.

    Pixels have eight planes at once and take the lanes.
    """
    depthwise = connection.weight.shape[1] == 1 and connection.groups > 1
    return depthwise and connection.source != IMAGE


def is_streamed(network: Network, index: int, neurons: int) -> bool:
    """Whether layer ``index`` needs no window buffer at P = ``neurons``.

    It is read out by ``current``, sums up one map over its windows before a 1x1 kernel (global
    average pooling and a linear layer), gives a map of 1x1, and has an adder for every class.
    """
    layer = network.layers[index]
    first = layer.connections[0]
    return (
        layer.threshold is None
        and len(layer.connections) == 1
        and first.source != IMAGE
        and first.sum_pool is not None
        and first.kernel == (1, 1)
        and first.groups == 1
        and first.out_channels == layer.out_channels == neurons
        and network.shapes[index].output[1:] == (1, 1)
    )


def seen_channels(connection: Connection, neurons: int) -> int:
    """Channels that a group of ``neurons`` (P) sees, of those of ``connection``."""
    fits = connection.groups == 1 or fits_kernel_groups(connection, neurons)
    return connection.weight.shape[1] if fits else connection.in_channels


def synapses(connection: Connection, neurons: int, layer_channels: int) -> Synapses:
    """Synapses of ``connection`` in a layer of ``layer_channels``, for groups of ``neurons``."""
    groups = ceil_div(layer_channels, neurons)
    fed = fed_groups(connection, neurons)
    weight = connection.weight
    outputs, inputs = weight.shape[0] // connection.groups, weight.shape[1]
    block_of = tuple(group - fed.start if group in fed else 0 for group in range(groups))
    if connection.groups == 1 or fits_kernel_groups(connection, neurons):
        blocks = _padded(weight, connection.out_start - fed.start * neurons, len(fed) * neurons)
        blocks = blocks.reshape(len(fed), neurons, *weight.shape[1:])
        if connection.groups == 1:
            return Synapses(fed, blocks, block_of)
        kernel_group_of = tuple(block * neurons // outputs for block in block_of)
        return Synapses(fed, blocks, block_of, kernel_group_of)
    dense = np.zeros((len(weight), connection.in_channels, *weight.shape[2:]), weight.dtype)
    seen = np.zeros((groups, connection.in_channels), bool)
    for kernel_group in range(connection.groups):
        rows = slice(kernel_group * outputs, (kernel_group + 1) * outputs)
        columns = slice(kernel_group * inputs, (kernel_group + 1) * inputs)
        dense[rows, columns] = weight[rows]
        first = connection.out_start + kernel_group * outputs
        seen[first // neurons : ceil_div(first + outputs, neurons), columns] = True
    blocks = _padded(dense, connection.out_start - fed.start * neurons, len(fed) * neurons)
    return Synapses(fed, blocks.reshape(len(fed), neurons, *dense.shape[1:]), block_of, None, seen)


def direct_channels(connection: Connection, neurons: int, layer_channels: int) -> np.ndarray:
    """The connection's channel that each neuron of each group sees: int, (groups, P).

    -1 for a neuron that it does not feed.
    """
    groups = ceil_div(layer_channels, neurons)
    outputs = connection.out_channels // connection.groups
    channels = np.full(groups * neurons, -1)
    channels[fed_channels(connection)] = np.arange(connection.out_channels) // outputs
    return channels.reshape(groups, neurons)


def _padded(weight: np.ndarray, first: int, count: int) -> np.ndarray:
    """``weight`` with zero rows around it: row ``first`` of ``count`` is its first."""
    padded = np.zeros((count, *weight.shape[1:]), weight.dtype)
    padded[first : first + len(weight)] = weight
    return padded
