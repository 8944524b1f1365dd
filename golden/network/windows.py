"""Windows of convolutions and pooling as strided views, in (images, rows, columns, channels)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .layers import Connection, Pool, SumPool


def padded_map(
    maps: np.ndarray, padding: tuple[int, int, int, int], value: float = 0
) -> np.ndarray:
    """``maps`` with (top, left, bottom, right) positions of ``value`` around it.

    A negative padding crops. A view where nothing is added.
    """
    rows, columns = maps.shape[1:3]
    top, left, bottom, right = padding
    inside = maps[
        :, max(-top, 0) : rows - max(-bottom, 0), max(-left, 0) : columns - max(-right, 0)
    ]
    top, left, bottom, right = (max(side, 0) for side in padding)
    if not (top or left or bottom or right):
        return inside
    images, rows, columns, channels = inside.shape
    result = np.full(
        (images, rows + top + bottom, columns + left + right, channels), value, maps.dtype
    )
    result[:, top : top + rows, left : left + columns] = inside
    return result


def window_view(
    maps: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """Every window of ``maps``, without a copy.

    Returns:
        (images, out rows, out columns, kernel rows, kernel columns, channels), read-only.
    """
    reach = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    windows = sliding_window_view(maps, reach, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return np.moveaxis(windows, 3, -1)


def window_positions(windows: np.ndarray) -> Iterator[np.ndarray]:
    """What each kernel position sees of all ``windows``: (images, out rows, out columns, channels).

    Row by row, in the order of the kernel.
    """
    for row in range(windows.shape[3]):
        for column in range(windows.shape[4]):
            yield windows[:, :, :, row, column]


def sum_maps(maps: np.ndarray, sums: SumPool) -> np.ndarray:
    """Sums over the windows of ``sums``: (images, summed rows, summed columns, channels)."""
    windows = window_view(padded_map(maps, sums.padding), sums.kernel, sums.stride)
    if windows.shape[1:3] == (1, 1):
        return windows.sum(axis=(3, 4))
    result = np.zeros((*windows.shape[:3], windows.shape[-1]), maps.dtype)
    for seen in window_positions(windows):
        result += seen
    return result


def pool_maximum(maps: np.ndarray, pool: Pool | None) -> np.ndarray:
    """Maximum over the pooling positions; a padded position never wins.

    Args:
        maps: float, (images, rows, columns, channels).

    Returns:
        (images, pooled rows, pooled columns, channels).
    """
    if pool is None:
        return maps
    padded = padded_map(maps, (*pool.padding, *pool.padding), -np.inf)
    positions = window_positions(window_view(padded, pool.kernel, pool.stride))
    result = next(positions).copy()
    for seen in positions:
        np.maximum(result, seen, out=result)
    return result


def tap_offsets(connection: Connection, axis: int) -> tuple[int, ...]:
    """Rows (columns) of the source that a window reaches, from its first on.

    Kernel row after kernel row, each with all rows of its ``sum_pool`` window.
    """
    sums = connection.sum_pool
    stride, size = (sums.stride[axis], sums.kernel[axis]) if sums else (1, 1)
    return tuple(
        row * connection.dilation[axis] * stride + summed
        for row in range(connection.kernel[axis])
        for summed in range(size)
    )


def window_steps(connection: Connection, axis: int) -> tuple[int, int]:
    """Rows (columns) of the source from one window to the next, and before it that are padding.

    ``sum_pool`` included; a negative padding is what is cropped.
    """
    stride, before = connection.stride[axis], connection.padding[axis]
    if connection.sum_pool is not None:
        sums = connection.sum_pool
        before = before * sums.stride[axis] + sums.padding[axis]
        stride *= sums.stride[axis]
    return stride, before
