"""Which part of a source's map a connection sees: nothing else is stored."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.network import IMAGE, Connection, sum_pool_shape
from ...golden.network.windows import tap_offsets, window_steps


@dataclass(frozen=True)
class MapPart:
    """The rows, columns and spike words of a source's map that a connection keeps.

    Attributes:
        rows, columns: kept ones of the source's map. A cropped map loses its borders, a strided
            kernel of one row (column) sees only every so manieth.
        groups: kept words of a pixel (groups of the source's P channels).
        stride, padding: (rows, columns) of the kernel on the kept map; padding before the first.
        channels: channels of a kept pixel.
        first_channel: the kept channel that is the connection's first.
    """

    rows: range
    columns: range
    groups: range
    stride: tuple[int, int]
    padding: tuple[int, int]
    channels: int
    first_channel: int


def map_part(
    connection: Connection,
    source: tuple[int, int, int],
    conv: tuple[int, int],
    word_width: int,
) -> MapPart:
    """What ``connection`` keeps.

    Args:
        source: (channels, rows, columns) of the source's map.
        conv: rows and columns that the connection gives.
        word_width: the source's P; of the image, a word has all channels.
    """
    axes = []
    for axis in range(2):
        offsets = tap_offsets(connection, axis)
        stride, before = window_steps(connection, axis)
        end = (conv[axis] - 1) * stride - before + max(offsets) + 1
        if max(offsets) == 0:
            axes.append((range(-before, end, stride), 1, 0))
        else:
            kept = range(max(0, -before), min(source[1 + axis], end))
            axes.append((kept, stride, max(0, before)))
    (rows, row_stride, above), (columns, column_stride, left) = axes
    channels, first = source[0], connection.in_start
    if connection.source == IMAGE:
        groups = range(1)
    else:
        groups = range(first // word_width, ceil_div(first + connection.in_channels, word_width))
        channels = min(channels, groups.stop * word_width) - groups.start * word_width
        first -= groups.start * word_width
    return MapPart(
        rows, columns, groups, (row_stride, column_stride), (above, left), channels, first
    )


def valid_taps(
    connection: Connection,
    source: tuple[int, int],
    positions: list[range],
    axis: int,
) -> tuple[int, ...]:
    """Which taps of each output row (column) are part of the ``sum_pool``'s output, as bit masks.

    A bit for each tap of each pooling position, one position after another; a tap whose sum lies
    beyond the summed map is padding, even where the source's map has values there.

    Args:
        source: rows and columns of the source's map.
        positions: per output row, the rows in front of the pooling that it takes the maximum of.
    """
    sums = connection.sum_pool
    size = sums.kernel[axis] if sums else 1
    extent = sum_pool_shape(sums, source)[axis] if sums else source[axis]
    masks = []
    for rows in positions:
        mask = bit = 0
        for row in rows:
            for tap in range(connection.kernel[axis]):
                summed = row * connection.stride[axis] - connection.padding[axis]
                summed += tap * connection.dilation[axis]
                for _ in range(size):
                    mask |= int(0 <= summed < extent) << bit
                    bit += 1
        masks.append(mask)
    return tuple(masks)
