"""Event counts: what the hardware's lanes have to add, and how often neurons spike."""

from __future__ import annotations

import numpy as np

from .network import PIXEL_BITS, Network


def row_coverage(network: Network, index: int, axis: int) -> np.ndarray:
    """How often the windows of one image reach each input row (``axis`` 0) or column (1).

    Windows are counted as the hardware visits them: for each pooled output, for each pooling
    position inside the convolution's output, for each kernel row. An overlapping pooling visits a
    window more than once.

    Returns:
        int64, (rows + top + bottom padding,): padded rows are counted at either end.
    """
    layer, shape = network.layers[index], network.shapes[index]
    before, after = layer.padding[axis], layer.padding[axis + 2]
    coverage = np.zeros(before + shape.input[1 + axis] + after, dtype=np.int64)
    pool = layer.pool
    extent = shape.conv[1 + axis]
    for output in range(shape.output[1 + axis]):
        start = output * pool.stride[axis] - pool.padding[axis] if pool else output
        for window in range(start, start + (pool.kernel[axis] if pool else 1)):
            if 0 <= window < extent:
                first = window * layer.stride[axis]
                coverage[first : first + layer.kernel[axis]] += 1
    return coverage


def window_events(network: Network, index: int, set_bits: np.ndarray) -> np.ndarray:
    """Events in all windows of layer ``index``, for one group of neurons.

    An event is a spike, or a set bit of a pixel, in one window. Padded pixels of the first layer
    have the set bits of the zero point.

    Args:
        set_bits: int, (images, rows, columns): set bits of each input pixel over all channels and
            steps (or bit planes).

    Returns:
        int64, (images,).
    """
    layer, shape = network.layers[index], network.shapes[index]
    rows, columns = row_coverage(network, index, 0), row_coverage(network, index, 1)
    top, left = layer.padding[:2]
    inside_rows = rows[top : top + shape.input[1]]
    inside_columns = columns[left : left + shape.input[2]]
    events = np.einsum("nrc,r,c->n", set_bits.astype(np.int64), inside_rows, inside_columns)
    if index == 0:
        padded = rows.sum() * columns.sum() - inside_rows.sum() * inside_columns.sum()
        events = events + padded * int(popcount(network.zero_point).sum())
    return events


def accumulations(events: np.ndarray, out_channels: int, neurons: int) -> np.ndarray:
    """Accumulations (DESIGN section 2): each event, once for each group of ``neurons`` (P)."""
    return events * -(-out_channels // neurons)


def popcount(pixels: np.ndarray) -> np.ndarray:
    """Set bits of each uint8 pixel, as uint8."""
    table = np.array([bin(value).count("1") for value in range(2**PIXEL_BITS)], dtype=np.uint8)
    return table[pixels]
