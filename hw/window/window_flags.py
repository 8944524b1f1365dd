"""Which slabs of a window hold events, from the flags of its footprint's pixels."""

from __future__ import annotations

from amaranth import Cat, Const, Value

from ..basics.select import pick
from ..design.geometry import WindowGeometry


def hides_events(geometry: WindowGeometry, padding_occupied: bool) -> bool:
    """Whether flags do not say where events are: a pixel of the map may count as padding with some.

    ``padding_occupied``: a padded pixel has set bits.
    """
    return geometry.valid_taps is not None and padding_occupied


def kept_flags(geometry: WindowGeometry, column: Value) -> Value:
    """``geometry.flag_rows`` flags of a footprint column, of one bit for each of its rows."""
    if geometry.row_words:
        return column
    return Cat(
        Cat(column[row * geometry.stride[0] + tap] for tap in geometry.taps[0]).any()
        for row in range(geometry.pool_kernel[0])
    )


def by_axis(geometry: WindowGeometry, position: Value) -> tuple[Value, Value]:
    """The row and the column of the one-hot ``position``, one-hot each."""
    count = len(geometry.positions)
    columns = geometry.pool_kernel[1]
    return (
        Cat(position[first : first + columns].any() for first in range(0, count, columns)),
        Cat(position[first::columns].any() for first in range(columns)),
    )


def flags_at(geometry: WindowGeometry, flags, row: Value, column: Value) -> Value:
    """Slabs with events of the window at the position whose bits in ``row``, ``column`` are set.

    ``flags`` are the kept ones of each footprint column.
    """
    rows = range(geometry.kernel[0]) if geometry.row_words else (None,)
    kept = {
        (kernel_row, index): pick(
            row,
            [
                flags[index][start * geometry.stride[0] + geometry.taps[0][kernel_row]]
                if geometry.row_words
                else flags[index][start]
                for start in range(len(row))
            ],
        )
        for kernel_row in rows
        for index in range(geometry.span[1])
    }
    return Cat(
        pick(
            column,
            [
                kept[kernel_row, start * geometry.stride[1] + geometry.taps[1][kernel_column]]
                for start in range(len(column))
            ],
        )
        for kernel_row, kernel_column in geometry.slabs
    )


def busy_positions(geometry: WindowGeometry, flags) -> Value:
    """Positions whose window holds any event, one bit each."""
    busy = []
    for row, column in geometry.positions:
        selects = (
            Const(1 << place, geometry.pool_kernel[axis])
            for axis, place in enumerate((row, column))
        )
        busy.append(flags_at(geometry, flags, *selects).any())
    return Cat(*busy)
