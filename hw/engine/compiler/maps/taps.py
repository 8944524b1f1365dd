"""Rows and columns of a source that a window reaches, and what of the kernel lies on each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from .....golden.network.network import IMAGE, Connection, sum_pool_shape
from .....golden.network.windows import tap_offsets, window_steps


@dataclass(frozen=True, eq=False)
class Taps:
    """What windows reach along one axis of a source's map.

    Attributes:
        step: rows (columns) of the source from one window to the next.
        offsets: ascending, from the first window's own row 0 on; padding lies below 0. Once each,
            but where there are ``marks``.
        kinds: of each offset, which of ``counts`` it has.
        counts: (kinds, kernel rows), how often a window counts each of the kernel's rows there: a
            ``sum_pool`` gives several offsets one row, and one offset several rows.
        limit: what lies from here on is not seen.
        marks: of each offset, what must lie from 0 to ``limit`` in its place; None where it is the
            offset itself. A padded kernel behind sums that overlap has them: a sum that it does not
            see may lie on rows that others see.
    """

    step: int
    offsets: tuple[int, ...]
    kinds: tuple[int, ...]
    counts: np.ndarray
    limit: int
    marks: tuple[int, ...] | None = None

    @property
    def first(self) -> int:
        return self.offsets[0]

    @property
    def checked(self) -> tuple[int, ...]:
        """Of each offset, what must lie in the map."""
        return self.offsets if self.marks is None else self.marks

    def in_digit_rows(self, digits: int) -> Taps:
        """The same in a map each of whose rows has ``digits`` rows in memory: all of them."""

        def spread(rows: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(row * digits + digit for row in rows for digit in range(digits))

        return replace(
            self,
            step=self.step * digits,
            offsets=spread(self.offsets),
            kinds=tuple(kind for kind in self.kinds for _ in range(digits)),
            limit=self.limit * digits,
            marks=None if self.marks is None else spread(self.marks),
        )

    def shifted(self, by: int, limit: int) -> Taps:
        """The same in a map that begins ``by`` earlier."""
        return replace(
            self,
            offsets=tuple(offset + by for offset in self.offsets),
            limit=limit,
            marks=None if self.marks is None else tuple(mark + by for mark in self.marks),
        )


def axis_taps(connection: Connection, axis: int, size: int, windows: int) -> tuple[Taps, ...]:
    """Taps of ``connection`` along ``axis``: one after another, all that a window reaches.

    Args:
        size: of the source's map along the axis.
        windows: along the axis.
    """
    step, before = window_steps(connection, axis)
    limit = _limit(connection, axis, size, windows)
    if limit is None:
        return _taps_of_sums(connection, axis, size, windows)
    size_of_sums = connection.sum_pool.kernel[axis] if connection.sum_pool else 1
    reached: dict[int, list[int]] = {}
    for number, offset in enumerate(tap_offsets(connection, axis)):
        counts = reached.setdefault(offset - before, [0] * connection.kernel[axis])
        counts[number // size_of_sums] += 1
    offsets = tuple(sorted(reached))
    kinds = {counts: kind for kind, counts in enumerate({tuple(reached[o]): 0 for o in offsets})}
    taps = Taps(
        step=step,
        offsets=offsets,
        kinds=tuple(kinds[tuple(reached[offset])] for offset in offsets),
        counts=np.array(list(kinds), np.int64),
        limit=limit,
    )
    return (taps,)


def _limit(connection: Connection, axis: int, size: int, windows: int) -> int | None:
    """Where the sums end that a kernel behind a ``sum_pool`` sees; what pads it lies beyond.

    None where it does not: rows of a sum that pads the kernel are those of others as well.
    """
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
    return None if below or above else limit


def _taps_of_sums(connection: Connection, axis: int, size: int, windows: int) -> tuple[Taps, ...]:
    """A tap for each row of each sum, that is seen where its mark says so.

    Of a map, by the windows that see both the sum and the row: a mark is 0 in the first of them, or
    reaches the limit behind the last one. Rows that both the first and the last window do not see
    have limits of their own.

    Of an image, by those that see the sum: what lies beyond the image is a zero point, that counts.
    """
    sums = connection.sum_pool
    if sums is None:
        raise ValueError("a kernel without sums sees its source's own rows")
    stride, positions = sums.stride[axis], sum_pool_shape(sums, (size, size))[axis]
    step = connection.stride[axis] * stride
    of_image = connection.source == IMAGE
    #: Offset, kernel row and mark of the taps below each limit.
    limits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number in range(connection.kernel[axis]):
        sum_of = number * connection.dilation[axis] - connection.padding[axis]
        for row in range(sums.kernel[axis]):
            offset = sum_of * stride - sums.padding[axis] + row
            if of_image:
                limits[positions * stride].append((offset, number, sum_of * stride))
                continue
            window = np.arange(windows)
            place, seen_row = window * connection.stride[axis] + sum_of, window * step + offset
            seen = (place >= 0) & (place < positions) & (seen_row >= 0) & (seen_row < size)
            if not seen.any():
                continue
            first, last = np.flatnonzero(seen)[[0, -1]].tolist()
            apart = first > 0 and last < windows - 1
            limit = (last + 1 - first if apart else windows) * step
            mark = -first * step if apart or last == windows - 1 else limit - (last + 1) * step
            limits[limit].append((offset, number, mark))
    if not limits:
        # No window sees anything: there is a tap that none sees.
        limits[step].append((0, 0, -windows * step))
    return tuple(
        Taps(
            step=step,
            offsets=tuple(offset for offset, _, _ in sorted(taps)),
            kinds=tuple(number for _, number, _ in sorted(taps)),
            counts=np.eye(connection.kernel[axis], dtype=np.int64),
            limit=limit,
            marks=tuple(mark for _, _, mark in sorted(taps)),
        )
        for limit, taps in limits.items()
    )
