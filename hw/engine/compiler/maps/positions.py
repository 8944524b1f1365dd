"""Positions in front of pooling that a layer must compute, and the windows of its maximum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....golden.network.network import Network


@dataclass(frozen=True)
class PooledAxis:
    """Windows of a maximum along one axis; one position each where there is none.

    Attributes:
        kernel, stride, padding: of the pool.
        windows: how many.
        positions: that some window sees, from the first on.
    """

    kernel: int
    stride: int
    padding: int
    windows: int
    positions: int

    @property
    def seen(self) -> np.ndarray:
        """By how many windows each position is seen: int64, (positions,)."""
        first = np.arange(self.windows) * self.stride - self.padding
        position = np.arange(self.positions)[:, None]
        return ((position >= first) & (position < first + self.kernel)).sum(axis=1)

    @property
    def fields(self) -> dict[str, int]:
        """As a pass's record has them; see ``pass_record``."""
        kernel, stride, padding = self.kernel, self.stride, self.padding
        return {
            "stride": stride,
            "open": min(padding // stride + 1, self.windows),
            "left": kernel - 1 - padding,
            "until": stride - padding % stride,
        }


@dataclass(frozen=True)
class Positions:
    """Of a layer, along both axes."""

    row_pool: PooledAxis
    column_pool: PooledAxis
    pools: bool

    @property
    def rows(self) -> int:
        return self.row_pool.positions

    @property
    def columns(self) -> int:
        return self.column_pool.positions

    @property
    def comparisons(self) -> int:
        """Steps of the maximum: along rows, or of rows' maxima along columns, whatever is more.

        There is one for each window of a position, or one without any.
        """
        steps = [int(np.maximum(pool.seen, 1).sum()) for pool in (self.row_pool, self.column_pool)]
        return max(self.rows * steps[1], steps[0] * self.column_pool.windows)


def layer_positions(network: Network, index: int) -> Positions:
    """Of layer ``index``."""
    pool, shape = network.layers[index].pool, network.shapes[index]
    axes = []
    for axis in range(2):
        kernel, stride, padding = (
            (pool.kernel[axis], pool.stride[axis], pool.padding[axis]) if pool else (1, 1, 0)
        )
        windows = shape.output[1 + axis]
        seen = (windows - 1) * stride - padding + kernel
        axes.append(PooledAxis(kernel, stride, padding, windows, min(shape.conv[1 + axis], seen)))
    return Positions(*axes, pools=pool is not None and max(*pool.kernel, *pool.stride) > 1)
