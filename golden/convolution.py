"""The currents of one connection: a convolution, exact, by matrix products."""

from __future__ import annotations

import numpy as np

from .bounds import fed_channels
from .network import Connection
from .windows import padded_map, sum_maps, window_positions, window_view

#: Memory that the windows of one matrix product may take, in bytes: what the caches hold.
CHUNK_BYTES = 2**20


class Convolution:
    """``connection``, its weights laid out for products in ``dtype``."""

    def __init__(self, connection: Connection, dtype: np.dtype):
        self.connection = connection
        self.dtype = dtype
        weight = connection.weight.astype(dtype)
        #: Each group has one input channel, so no product sums over channels.
        self.depthwise = weight.shape[1] == 1
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
        taps = connection.weight[0].size * connection.groups
        window = taps * currents.shape[1] * currents.shape[2] * self.dtype.itemsize
        chunk = max(1, CHUNK_BYTES // window)
        seen = slice(connection.in_start, connection.in_start + connection.in_channels)
        fed = currents[..., fed_channels(connection)]
        for start in range(0, len(maps), chunk):
            part = maps[start : start + chunk, :, :, seen].astype(self.dtype, copy=False)
            if connection.sum_pool is not None:
                part = sum_maps(part, connection.sum_pool)
            windows = window_view(
                padded_map(part, connection.padding),
                connection.kernel, connection.stride, connection.dilation,
            )  # fmt: skip
            add = self._add_depthwise if self.depthwise else self._add_products
            add(windows, fed[start : start + chunk])

    def _add_depthwise(self, windows: np.ndarray, currents: np.ndarray) -> None:
        repeats = self.connection.out_channels // self.connection.groups
        for weight, values in zip(self.weight, window_positions(windows), strict=True):
            if repeats > 1:
                values = np.repeat(values, repeats, axis=-1)
            currents += values * weight

    def _add_products(self, windows: np.ndarray, currents: np.ndarray) -> None:
        _, taps, outputs = self.weight.shape
        inputs = windows.shape[-1] // self.connection.groups
        for group, weight in enumerate(self.weight):
            values = windows[..., group * inputs : (group + 1) * inputs].reshape(-1, taps)
            product = (values @ weight).reshape(*currents.shape[:-1], outputs)
            currents[..., group * outputs : (group + 1) * outputs] += product
