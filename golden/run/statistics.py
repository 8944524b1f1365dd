"""Event counts: what the hardware's lanes have to add, and how often neurons spike."""

from __future__ import annotations

import numpy as np

from ..network.bounds import fed_channels
from ..network.network import IMAGE, Connection, Network, sum_pool_shape


def coverage(
    network: Network, index: int, connection: Connection, axis: int
) -> tuple[np.ndarray, int]:
    """How often the windows of one image reach each row (``axis`` 0) or column (1) of the source.

    Windows are counted as the hardware visits them: for each pooled output of layer ``index``, for
    each pooling position inside the convolution's output, for each kernel row, for each row of
    its ``sum_pool`` window. An overlapping pooling visits a window more than once.

    Returns:
        int64, (rows,), and the number of visits in all, those of padded rows among them.
    """
    layer, shape = network.layers[index], network.shapes[index]
    image = connection.source == IMAGE
    source = network.input_shape if image else network.shapes[connection.source].output
    pool, sums = layer.pool, connection.sum_pool
    outputs = np.arange(shape.output[1 + axis])
    if pool is not None:
        outputs = outputs * pool.stride[axis] - pool.padding[axis]
        outputs = (outputs[:, np.newaxis] + np.arange(pool.kernel[axis])).ravel()
        outputs = outputs[(outputs >= 0) & (outputs < shape.conv[1 + axis])]
    taps = np.arange(connection.kernel[axis]) * connection.dilation[axis]
    starts = outputs * connection.stride[axis] - connection.padding[axis]
    visited = (starts[:, np.newaxis] + taps).ravel()
    extent, total = source[1 + axis], len(visited)
    if sums is not None:
        summed = sum_pool_shape(sums, source[1:])[axis]
        visited = visited[(visited >= 0) & (visited < summed)]
        starts = visited * sums.stride[axis] - sums.padding[axis]
        visited = (starts[:, np.newaxis] + np.arange(sums.kernel[axis])).ravel()
        total *= sums.kernel[axis]
    visited = visited[(visited >= 0) & (visited < extent)]
    return np.bincount(visited, minlength=extent), total


def window_events(
    network: Network, index: int, connection: Connection, set_bits: np.ndarray
) -> np.ndarray:
    """Events of ``connection`` in all windows of layer ``index``, for one group of neurons.

    An event is a spike, or a set bit of a pixel, in one window. Padded pixels of the image have
    the set bits of the zero point (a padded position of a ``sum_pool``'s output stands for as many
    of them as its windows have positions).

    Args:
        set_bits: int, (images, rows, columns, channels): set bits of each value of the source,
            over all steps (or bit planes).

    Returns:
        int64, (images, in channels): by the channel that is seen.
    """
    (rows, all_rows), (columns, all_columns) = (
        coverage(network, index, connection, axis) for axis in range(2)
    )
    seen = slice(connection.in_start, connection.in_start + connection.in_channels)
    events = np.einsum("nrkc,r,k->nc", set_bits[..., seen].astype(np.int64), rows, columns)
    if connection.source == IMAGE:
        padded = all_rows * all_columns - rows.sum() * columns.sum()
        events = events + padded * np.bitwise_count(network.zero_point[seen]).astype(np.int64)
    return events


def accumulations(connection: Connection, events: np.ndarray, neurons: int) -> np.ndarray:
    """Accumulations (docs/meaning.md) of ``connection``, per image: int64, (images,).

    Group g of P neurons has the layer's channels gP..gP + P - 1. Each event counts once for each
    group in which there is a channel that the event's channel feeds.

    Args:
        events: int64, (images, in channels): see ``LayerRecord.events``.
        neurons: P.
    """
    inputs = connection.in_channels // connection.groups
    outputs = connection.out_channels // connection.groups
    first = fed_channels(connection).start + np.arange(connection.groups) * outputs
    groups = (first + outputs - 1) // neurons - first // neurons + 1
    return events @ np.repeat(groups, inputs)
