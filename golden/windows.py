"""Windows of convolutions and pooling as strided views, in (images, rows, columns, channels)."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .network import Layer, Pool


def window_matrix(maps: np.ndarray, layer: Layer, padding_value: np.ndarray | None) -> np.ndarray:
    """Every window of ``maps`` as a row.

    Args:
        maps: (images, rows, columns, channels).
        padding_value: (channels,) value of padded pixels, zero where None.

    Returns:
        (images, out rows, out columns, kernel rows * kernel columns * channels), contiguous.
    """
    top, left, bottom, right = layer.padding
    images, rows, columns, channels = maps.shape
    if any(layer.padding):
        padded = np.zeros(
            (images, rows + top + bottom, columns + left + right, channels), maps.dtype
        )
        if padding_value is not None:
            padded[:] = padding_value
        padded[:, top : top + rows, left : left + columns] = maps
        maps = padded
    kernel_rows, kernel_columns = layer.kernel
    out_rows = (maps.shape[1] - kernel_rows) // layer.stride[0] + 1
    out_columns = (maps.shape[2] - kernel_columns) // layer.stride[1] + 1
    image, row, column, channel = maps.strides
    windows = as_strided(
        maps,
        (images, out_rows, out_columns, kernel_rows, kernel_columns, channels),
        (image, row * layer.stride[0], column * layer.stride[1], row, column, channel),
        writeable=False,
    )
    return windows.reshape(images, out_rows, out_columns, -1)


def weight_matrix(layer: Layer, dtype: np.dtype) -> np.ndarray:
    """Weights in the order of ``window_matrix``: (kernel rows * columns * in channels, out)."""
    return np.ascontiguousarray(
        layer.weight.transpose(2, 3, 1, 0).reshape(-1, layer.out_channels), dtype=dtype
    )


def pool_maximum(maps: np.ndarray, pool: Pool | None) -> np.ndarray:
    """Maximum over the pooling positions; a padded position never wins.

    Args:
        maps: (images, rows, columns, channels).

    Returns:
        (images, pooled rows, pooled columns, channels).
    """
    if pool is None:
        return maps
    images, rows, columns, channels = maps.shape
    pad_rows, pad_columns = pool.padding
    if pad_rows or pad_columns:
        lowest = np.iinfo(maps.dtype).min if maps.dtype.kind == "i" else -np.inf
        padded = np.full(
            (images, rows + 2 * pad_rows, columns + 2 * pad_columns, channels), lowest, maps.dtype
        )
        padded[:, pad_rows : pad_rows + rows, pad_columns : pad_columns + columns] = maps
        maps = padded
    out_rows = (maps.shape[1] - pool.kernel[0]) // pool.stride[0] + 1
    out_columns = (maps.shape[2] - pool.kernel[1]) // pool.stride[1] + 1
    result: np.ndarray | None = None
    for row in range(pool.kernel[0]):
        for column in range(pool.kernel[1]):
            view = maps[
                :,
                row : row + (out_rows - 1) * pool.stride[0] + 1 : pool.stride[0],
                column : column + (out_columns - 1) * pool.stride[1] + 1 : pool.stride[1],
            ]
            result = view.copy() if result is None else np.maximum(result, view, out=result)
    return result
