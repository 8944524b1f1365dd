"""Static geometry of one layer's windows: what the window buffer keeps and reads.

Terms: a layer's *window* is what one kernel position covers. A pooled output needs several
windows, one per pooling *position*; together they span the *footprint*, the block of the input
map that one pooled output depends on. Rows of the input map live in a ring of *slots*.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..golden.network import PIXEL_BITS, Coding, Network


@dataclass(frozen=True)
class WindowGeometry:
    """Maps, kernel and pooling of one layer; pairs are (rows, columns).

    Attributes:
        channels, rows, columns: the input map.
        kernel, stride: of the convolution.
        origin: input row and column of the top left of the first footprint (negative: padding).
        pool_kernel, pool_stride, pool_padding: (1, 1), (1, 1), (0, 0) without pooling.
        conv: rows and columns of the convolution's output.
        output: rows and columns after pooling.
        planes: bit planes that one memory word holds (8 for pixels, 1 for spikes).
        steps: words per pixel: T for spikes, 1 for pixels.
        spare_rows: slots beyond the fewest that work; they let the layer before run ahead.
    """

    channels: int
    rows: int
    columns: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    origin: tuple[int, int]
    pool_kernel: tuple[int, int]
    pool_stride: tuple[int, int]
    pool_padding: tuple[int, int]
    conv: tuple[int, int]
    output: tuple[int, int]
    planes: int
    steps: int
    spare_rows: int

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns of a footprint."""
        return tuple((self.pool_kernel[i] - 1) * self.stride[i] + self.kernel[i] for i in range(2))

    @property
    def advance(self) -> tuple[int, int]:
        """Input rows (columns) from one pooled output row (column) to the next."""
        return tuple(self.pool_stride[i] * self.stride[i] for i in range(2))

    @property
    def positions(self) -> tuple[tuple[int, int], ...]:
        """Pooling positions (row, column) in the order in which they are visited."""
        return tuple(
            (row, column)
            for row in range(self.pool_kernel[0])
            for column in range(self.pool_kernel[1])
        )

    def footprint_row(self, output_row: int) -> int:
        """Input row of the top of the footprints of ``output_row``; may be negative."""
        return self.origin[0] + output_row * self.advance[0]

    def rows_needed(self, output_row: int) -> int:
        """Input rows, from the oldest one kept on, that must be there for ``output_row``.

        At least as many as are given back after it; all that are left of the image in the end.
        """
        top = self.footprint_row(output_row)
        if output_row == self.output[0] - 1:
            return self.rows - max(top, 0)
        end = max(top + max(self.span[0], self.advance[0]), 0)
        return min(end, self.rows) - max(top, 0)

    def rows_released(self, output_row: int) -> int:
        """Input rows that no footprint needs once ``output_row`` is done."""
        top = self.footprint_row(output_row)
        if output_row == self.output[0] - 1:
            return self.rows - max(top, 0)
        return max(top + self.advance[0], 0) - max(top, 0)

    @property
    def slots(self) -> int:
        """Row slots of the ring."""
        return max(self.rows_needed(row) for row in range(self.output[0])) + self.spare_rows


def window_geometry(network: Network, index: int, spare_rows: int | None = None) -> WindowGeometry:
    """Geometry of layer ``index``; spare rows default to what one pooled output row advances."""
    layer = network.layers[index]
    shape = network.shapes[index]
    (connection,) = layer.connections
    channels, rows, columns = shape.inputs[0]
    pool = layer.pool
    pool_kernel = pool.kernel if pool else (1, 1)
    pool_stride = pool.stride if pool else (1, 1)
    pool_padding = pool.padding if pool else (0, 0)
    top, left, _, _ = connection.padding
    if spare_rows is None:
        spare_rows = min(rows, pool_stride[0] * connection.stride[0])
        if shape.output[1] == 1:
            # One footprint row holds the whole map: the next image is written meanwhile.
            spare_rows = rows
    pixels = index == 0
    return WindowGeometry(
        channels=channels,
        rows=rows,
        columns=columns,
        kernel=connection.kernel,
        stride=connection.stride,
        origin=(
            -top - pool_padding[0] * connection.stride[0],
            -left - pool_padding[1] * connection.stride[1],
        ),
        pool_kernel=pool_kernel,
        pool_stride=pool_stride,
        pool_padding=pool_padding,
        conv=shape.conv[1:],
        output=shape.output[1:],
        planes=PIXEL_BITS if pixels else 1,
        steps=1 if pixels else network.steps,
        spare_rows=spare_rows,
    )


def is_radix_spikes(network: Network, index: int) -> bool:
    """Whether layer ``index`` reads a radix spike train plane by plane."""
    return index > 0 and network.coding == Coding.RADIX
