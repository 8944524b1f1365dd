"""How a window's taps are dealt to the event lanes of a connection.

The window buffer delivers a *slab* at a time: for spikes one kernel column (kernel rows x
channels), for pixels the whole window (kernel rows x kernel columns x channels). Every bit of the
slab belongs to exactly one lane, which holds the weights of that bit and no others, so the lanes'
weight memories add up to one copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..golden.network import Connection
from .checks import check_range


@dataclass(frozen=True)
class Tap:
    """One bit of a slab: kernel row, kernel column within the slab, input channel."""

    row: int
    column: int
    channel: int


@dataclass(frozen=True)
class Partition:
    """Taps of each lane in the order of their bits in the lane's word.

    ``slab_columns`` is how many kernel columns a slab covers and ``slabs`` how many slabs make a
    window.
    """

    lanes: tuple[tuple[Tap, ...], ...]
    slab_columns: int
    slabs: int


def largest_lanes(connection: Connection, pixels: bool) -> int:
    """Most event lanes that ``connection`` can use: one per bit of its slab."""
    rows, columns = connection.kernel
    return rows * connection.in_channels * (columns if pixels else 1)


def partition(connection: Connection, lanes: int, *, pixels: bool) -> Partition:
    """Deal the taps of ``connection`` to ``lanes`` lanes.

    Each tap goes to the lane that has the fewest, of these to the one that sees its channel, then
    its row, the least. So lanes differ by at most one tap, and a channel that spikes more than
    others, or a row that lies in padding, loads all lanes alike.

    Raises:
        RheobaseError: ``lanes`` is not in 1..``largest_lanes``.
    """
    check_range("partition", "lanes (E)", lanes, 1, largest_lanes(connection, pixels))
    rows, columns = connection.kernel
    channels = connection.in_channels
    slab_columns = columns if pixels else 1
    dealt: list[list[Tap]] = [[] for _ in range(lanes)]
    loads, row_loads = np.zeros(lanes, int), np.zeros((rows, lanes), int)
    for channel in range(channels):
        channel_loads = np.zeros(lanes, int)
        for row in range(rows):
            for column in range(slab_columns):
                lane = np.lexsort((row_loads[row], channel_loads, loads))[0]
                dealt[lane].append(Tap(row, column, channel))
                for counts in (loads, channel_loads, row_loads[row]):
                    counts[lane] += 1
    return Partition(
        lanes=tuple(tuple(taps) for taps in dealt),
        slab_columns=slab_columns,
        slabs=columns // slab_columns,
    )


def lane_weights(connection: Connection, parts: Partition, lane: int, neurons: int) -> np.ndarray:
    """Weight words of one lane: int8, (words, ``neurons``).

    Word (group * slabs + slab) * taps + tap holds the weights from that tap to the ``neurons``
    output channels of the group; channels past the last are zero.
    """
    groups = -(-connection.out_channels // neurons)
    padded = np.zeros((groups * neurons, *connection.weight.shape[1:]), dtype=np.int8)
    padded[: connection.out_channels] = connection.weight
    words = np.zeros((groups, parts.slabs, len(parts.lanes[lane]), neurons), dtype=np.int8)
    grouped = padded.reshape(groups, neurons, *connection.weight.shape[1:])
    for slab in range(parts.slabs):
        for bit, tap in enumerate(parts.lanes[lane]):
            column = slab * parts.slab_columns + tap.column
            words[:, slab, bit] = grouped[:, :, tap.channel, tap.row, column]
    return words.reshape(-1, neurons)
