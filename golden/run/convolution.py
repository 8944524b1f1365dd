"""The currents of one connection: a convolution, exact, by matrix products."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ..basics.arithmetic import ceil_div
from ..network.bounds import fed_channels
from ..network.network import Connection
from ..network.windows import padded_map, sum_maps, window_positions, window_view

#: Memory that the windows of one matrix product may take, in bytes: what the caches hold.
CHUNK_BYTES = 2**20
#: Multiplications of one product. BLAS keeps so few on the thread that asks for them; the golden
#: model's own threads (a batch each) share the cores better than threads inside of each product.
PRODUCT_SIZE = 2**18
#: Most outputs of one product, and most weights: at least 16 rows of windows then fit in one.
OUTPUT_BLOCK, WEIGHT_BLOCK = 64, 2**14


class Convolution:
    """``connection``, its weights laid out for products in ``dtype``.

    It keeps nothing between calls, so threads may share it.
    """

    def __init__(self, connection: Connection, dtype: np.dtype):
        self.connection = connection
        self.dtype = dtype
        weight = connection.weight.astype(dtype)
        #: Each group has one input channel, so that no product sums over channels.
        self.depthwise = weight.shape[1] == 1
        self.weight: np.ndarray
        if self.depthwise:
            # (kernel positions, out channels)
            self.weight = weight.reshape(len(weight), -1).T.copy()
        else:
            # (groups, kernel rows * kernel columns * in channels of the group, out channels of it)
            grouped = weight.reshape(connection.groups, -1, *weight.shape[1:])
            grouped = grouped.transpose(0, 3, 4, 2, 1)
            self.weight = grouped.reshape(connection.groups, -1, grouped.shape[-1]).copy()

    def add(self, maps: np.ndarray, currents: np.ndarray) -> None:
        """Add the currents that ``maps`` cause.

        Args:
            maps: the source's, (images, rows, columns, channels).
            currents: (images, out rows, out columns, the layer's channels).
        """
        connection = self.connection
        maps = maps[..., connection.in_start : connection.in_start + connection.in_channels]
        if connection.sum_pool is not None:
            maps = sum_maps(maps.astype(self.dtype, copy=False), connection.sum_pool)
        windows = window_view(
            padded_map(maps, connection.padding),
            connection.kernel,
            connection.stride,
            connection.dilation,
        )
        fed = currents[..., fed_channels(connection)]
        add = self._add_depthwise if self.depthwise else self._add_products
        row_bytes = math.prod(windows.shape[2:]) * self.dtype.itemsize
        rows = max(1, min(windows.shape[1], CHUNK_BYTES // row_bytes))
        images = max(1, CHUNK_BYTES // (row_bytes * windows.shape[1]))
        for image in range(0, len(windows), images):
            for row in range(0, windows.shape[1], rows):
                chunk = slice(image, image + images), slice(row, row + rows)
                add(windows[chunk], fed[chunk])

    def _add_depthwise(self, windows: np.ndarray, currents: np.ndarray) -> None:
        connection = self.connection
        repeats = connection.out_channels // connection.groups
        shape = currents.shape
        for weight, seen in zip(self.weight, window_positions(windows), strict=True):
            # Whole rows of the map, columns and channels together, make for long inner loops.
            values = np.repeat(seen, repeats, axis=-1) if repeats > 1 else seen
            values = np.array(values, dtype=self.dtype, order="C").reshape(*shape[:2], -1)
            values *= np.tile(weight, shape[2])
            currents += values.reshape(shape)

    def _add_products(self, windows: np.ndarray, currents: np.ndarray) -> None:
        taps, outputs = self.weight.shape[1:]
        inputs = windows.shape[-1] // self.connection.groups
        for group, weight in enumerate(self.weight):
            values = windows[..., group * inputs : (group + 1) * inputs]
            values = values.astype(self.dtype, order="C", copy=False).reshape(-1, taps)
            fed = currents[..., group * outputs : (group + 1) * outputs]
            fed += product(values, weight).reshape(fed.shape)


def product(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``values @ weight`` in parts that BLAS does not spread over threads of its own."""
    taps, outputs = weight.shape
    if weight.size <= WEIGHT_BLOCK and outputs <= OUTPUT_BLOCK:
        return _by_rows(values, weight)
    result = np.zeros((len(values), outputs), values.dtype)
    parts = ceil_div(taps * min(outputs, OUTPUT_BLOCK), WEIGHT_BLOCK)
    edges = [taps * part // parts for part in range(parts + 1)]
    for first, end in pairwise(edges):
        for left in range(0, outputs, OUTPUT_BLOCK):
            block = slice(left, left + OUTPUT_BLOCK)
            result[:, block] += _by_rows(values[:, first:end], weight[first:end, block])
    return result


def _by_rows(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``values @ weight``, ``PRODUCT_SIZE`` multiplications at a time."""
    (rows, taps), outputs = values.shape, weight.shape[1]
    height = min(rows, max(1, PRODUCT_SIZE // weight.size))
    whole = rows - rows % height
    result = np.empty((rows, outputs), values.dtype)
    np.matmul(
        values[:whole].reshape(-1, height, taps),
        weight,
        out=result[:whole].reshape(-1, height, outputs),
    )
    if whole < rows:
        np.matmul(values[whole:], weight, out=result[whole:])
    return result
