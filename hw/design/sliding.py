"""Geometry of windows that come whole, a plane of one in each cycle."""

from __future__ import annotations

from dataclasses import dataclass

from .geometry import WindowGeometry


@dataclass(frozen=True)
class SlidingGeometry:
    """``geometry`` of column words, of which ``channels`` channels are kept, from the first on.

    Attributes:
        first_channel, channels: of the geometry's those that the kernel sees.
    """

    geometry: WindowGeometry
    first_channel: int
    channels: int

    @property
    def pixel_bits(self) -> int:
        """Bits of a pixel, or of a step of its spikes, in the ring."""
        return self.geometry.channels * self.geometry.planes

    @property
    def pixel_kept(self) -> int:
        """Those of them that a window has."""
        return self.channels * self.geometry.planes

    @property
    def column_bits(self) -> int:
        """Kept bits of a footprint's column."""
        return self.geometry.span[0] * self.pixel_kept

    @property
    def window_bits(self) -> int:
        """Of a window's plane: kernel row by kernel row, column by column, plane by plane."""
        rows, columns = self.geometry.kernel
        return rows * columns * self.pixel_kept

    @property
    def before_bits(self) -> int:
        """Of the columns that wait for each word of a column."""
        return max(self.geometry.taps[1]) * self.column_bits

    @property
    def windows(self) -> tuple[int, int]:
        """Rows and columns of windows that pooled outputs are made of."""
        geometry = self.geometry
        rows, columns = (
            min(geometry.conv[axis], geometry.output[axis] * geometry.pool_kernel[axis])
            for axis in range(2)
        )
        return rows, columns

    @property
    def columns_read(self) -> int:
        """Columns of a row of footprints, padding included."""
        geometry = self.geometry
        return (self.windows[1] - 1) * geometry.stride[1] + max(geometry.taps[1]) + 1

    def cycles(self, output_row: int) -> int:
        """Cycles of a row of pooled outputs: one for each window and plane, and idle columns."""
        pooled = self.geometry.pool_kernel[0]
        rows = min(pooled, self.windows[0] - output_row * pooled)
        idle = self.columns_read - self.windows[1]
        return (idle + self.windows[1] * rows) * self.geometry.steps
