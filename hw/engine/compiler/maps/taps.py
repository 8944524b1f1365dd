"""Rows and columns of a source that a window reaches, and what of the kernel lies on each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .....golden.errors import RheobaseError
from .....golden.network.network import Connection, sum_pool_shape
from .....golden.network.windows import tap_offsets, window_steps


@dataclass(frozen=True, eq=False)
class Taps:
    """What windows reach along one axis of a source's map.

    Attributes:
        step: rows (columns) of the source from one window to the next.
        offsets: ascending, from the first window's own row 0 on; padding lies below 0.
        kinds: of each offset, which of ``counts`` it has.
        counts: (kinds, kernel rows), how often a window counts each of the kernel's rows there: a
            ``sum_pool`` gives several offsets one row, and one offset several rows.
        limit: what lies from here on is not seen.
    """

    step: int
    offsets: tuple[int, ...]
    kinds: tuple[int, ...]
    counts: np.ndarray
    limit: int

    @property
    def first(self) -> int:
        return self.offsets[0]

    def in_digit_rows(self, digits: int) -> Taps:
        """The same in a map each of whose rows has ``digits`` rows in memory: all of them."""
        return Taps(
            step=self.step * digits,
            offsets=tuple(o * digits + digit for o in self.offsets for digit in range(digits)),
            kinds=tuple(kind for kind in self.kinds for _ in range(digits)),
            counts=self.counts,
            limit=self.limit * digits,
        )

    def shifted(self, by: int, limit: int) -> Taps:
        """The same in a map that begins ``by`` earlier."""
        return replace(self, offsets=tuple(offset + by for offset in self.offsets), limit=limit)


def axis_taps(where: str, connection: Connection, axis: int, size: int, windows: int) -> Taps:
    """Taps of ``connection`` along ``axis``.

    Args:
        where: names the connection in an error.
        size: of the source's map along the axis.
        windows: along the axis.

    Raises:
        RheobaseError: what pads the kernel would see a part of a sum.
    """
    step, before = window_steps(connection, axis)
    size_of_sums = connection.sum_pool.kernel[axis] if connection.sum_pool else 1
    reached: dict[int, list[int]] = {}
    for number, offset in enumerate(tap_offsets(connection, axis)):
        counts = reached.setdefault(offset - before, [0] * connection.kernel[axis])
        counts[number // size_of_sums] += 1
    offsets = tuple(sorted(reached))
    kinds = {counts: kind for kind, counts in enumerate({tuple(reached[o]): 0 for o in offsets})}
    return Taps(
        step=step,
        offsets=offsets,
        kinds=tuple(kinds[tuple(reached[offset])] for offset in offsets),
        counts=np.array(list(kinds), np.int64),
        limit=_limit(where, connection, axis, size, windows),
    )


def _limit(where: str, connection: Connection, axis: int, size: int, windows: int) -> int:
    """Where the sums end that a kernel behind a ``sum_pool`` sees; what pads it lies beyond."""
    sums = connection.sum_pool
    if sums is None:
        return size
    positions = sum_pool_shape(sums, (size, size))[axis]
    kernel, stride, before = sums.kernel[axis], sums.stride[axis], sums.padding[axis]
    last = (windows - 1) * connection.stride[axis] + connection.extent[axis] - 1
    last -= connection.padding[axis]
    limit = min(size, (positions - 1) * stride - before + kernel)
    below = connection.padding[axis] > 0 and kernel - 1 - before - stride >= 0
    above = last >= positions and positions * stride - before < limit
    if below or above:
        raise RheobaseError(
            f"{where}: sum_pool has a kernel of {kernel} and a stride of {stride} in front of a "
            f"padded kernel, must be a stride of {kernel} or no padding for an engine"
        )
    return limit
