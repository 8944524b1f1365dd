"""Static geometry of a connection's windows: what its window buffer keeps and reads.

Terms: a *window* is what one kernel position covers. A pooled output needs several windows, one
per pooling *position*; together they span the *footprint*, the block of the input map that one
pooled output depends on. Rows of the input map live in a ring of *slots*. The input map is the
part of the source's map that the connection sees (``map_part``).
"""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.basics.axes import per_axis
from ...golden.network.network import IMAGE, PIXEL_BITS, Coding, Network
from ...golden.network.windows import tap_offsets
from .map_part import map_part, valid_taps


@dataclass(frozen=True)
class WindowGeometry:
    """Maps, kernel and pooling around one connection; pairs are (rows, columns).

    Attributes:
        channels, rows, columns: the input map.
        kernel: rows and columns that a window takes; with a ``sum_pool``, all that it sums up.
        stride: between windows.
        origin: input row and column of the top left of the first footprint (negative: padding).
        pool_kernel, pool_stride, pool_padding: (1, 1), (1, 1), (0, 0) without pooling.
        conv: rows and columns of the convolution's output.
        output: rows and columns after pooling.
        planes: bit planes that one memory word holds (8 for pixels, 1 for spikes).
        steps: words per pixel: T of the source for spikes (``step_planes`` times), 1 for pixels.
        spare_rows: slots beyond the fewest that one row of outputs needs; they let the source run
            ahead.
        offsets: which rows (columns) a window takes, from its first on; consecutive where None.
        valid_taps: per output row (column), which taps of which position lie in the summed map
            (``map_part.valid_taps``); None without a ``sum_pool``, where the map's border decides.
        row_words: a memory word holds a pixel of one row; else a column of all rows. A slab is what
            one word gives: a tap, or a kernel column.
        step_planes: words of a pixel at each step, see the function of that name.
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
    offsets: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    valid_taps: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    row_words: bool = False
    step_planes: int = 1

    @property
    def taps(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows and columns that a window takes, from its first on."""
        return self.offsets or per_axis(lambda axis: tuple(range(self.kernel[axis])))

    @property
    def slabs(self) -> tuple[tuple[int | None, int], ...]:
        """(kernel row, kernel column) of each slab; the row is None where it is all of them."""
        rows, columns = self.kernel
        if not self.row_words:
            return tuple((None, column) for column in range(columns))
        return tuple((row, column) for column in range(columns) for row in range(rows))

    @property
    def slab_rows(self) -> int:
        """Kernel rows that a slab has."""
        return 1 if self.row_words else self.kernel[0]

    @property
    def word_rows(self) -> int:
        """Rows of the ring that a memory word holds."""
        return 1 if self.row_words else self.slots

    @property
    def flag_rows(self) -> int:
        """Flags kept of a footprint column: of its rows, or of each position row's kernel rows."""
        return self.span[0] if self.row_words else self.pool_kernel[0]

    @property
    def depth(self) -> int:
        """Memory words: steps of columns, of each row in turn where a word holds one row."""
        return self.columns * self.steps * (self.slots if self.row_words else 1)

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns of a footprint."""
        return per_axis(
            lambda i: (self.pool_kernel[i] - 1) * self.stride[i] + max(self.taps[i]) + 1
        )

    @property
    def advance(self) -> tuple[int, int]:
        """Input rows (columns) from one pooled output row (column) to the next."""
        return per_axis(lambda i: self.pool_stride[i] * self.stride[i])

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


def window_geometry(
    network: Network,
    index: int,
    number: int,
    word_width: int,
    spare_rows: int | None = None,
    *,
    row_words: bool = False,
) -> WindowGeometry:
    """Geometry of connection ``number`` of layer ``index``; ``word_width`` is the source's P.

    Spare rows default to what one pooled output row advances, or to a whole map where one row of
    footprints holds all of it: then the next image is written meanwhile.
    """
    layer, shape = network.layers[index], network.shapes[index]
    connection = layer.connections[number]
    part = map_part(connection, shape.inputs[number], shape.conv[1:], word_width)
    pool = layer.pool
    pool_kernel = pool.kernel if pool else (1, 1)
    pool_stride = pool.stride if pool else (1, 1)
    pool_padding = pool.padding if pool else (0, 0)
    rows, columns = len(part.rows), len(part.columns)
    if spare_rows is None:
        spare_rows = min(rows, pool_stride[0] * part.stride[0])
        if shape.output[1] == 1:
            spare_rows = rows
    pixels = connection.source == IMAGE
    planes_of_step = step_planes(network, connection.source)
    offsets = per_axis(lambda axis: tap_offsets(connection, axis))
    valid = None
    if connection.sum_pool is not None:
        valid = per_axis(
            lambda axis: valid_taps(
                connection,
                shape.inputs[number][1:],
                [
                    range(first, first + pool_kernel[axis])
                    for first in range(
                        -pool_padding[axis],
                        shape.output[1 + axis] * pool_stride[axis] - pool_padding[axis],
                        pool_stride[axis],
                    )
                ],
                axis,
            )
        )
    return WindowGeometry(
        channels=part.channels,
        rows=rows,
        columns=columns,
        kernel=(len(offsets[0]), len(offsets[1])),
        stride=part.stride,
        origin=per_axis(lambda i: -part.padding[i] - pool_padding[i] * part.stride[i]),
        pool_kernel=pool_kernel,
        pool_stride=pool_stride,
        pool_padding=pool_padding,
        conv=shape.conv[1:],
        output=shape.output[1:],
        planes=PIXEL_BITS if pixels else 1,
        steps=1 if pixels else network.steps_of(connection.source) * planes_of_step,
        spare_rows=spare_rows,
        offsets=offsets,
        valid_taps=valid,
        row_words=row_words,
        step_planes=planes_of_step,
    )


def is_radix_spikes(network: Network, source: int) -> bool:
    """Whether a connection from ``source`` reads a radix spike train plane by plane."""
    return source != IMAGE and network.coding == Coding.RADIX


def step_planes(network: Network, source: int) -> int:
    """Spike words of a group of ``source`` at each step: two where it fires signed in ``rate``.

    Those of the neurons with a negative spike come first.
    """
    signed = source != IMAGE and network.layers[source].signed
    return 2 if signed and network.coding == Coding.RATE else 1
