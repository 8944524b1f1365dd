"""How a window's taps are dealt to the event lanes of a connection.

The window buffer delivers a *slab* at a time: for spikes one kernel column (kernel rows x
channels), for pixels the whole window (kernel rows x kernel columns x channels). Every bit of the
slab belongs to exactly one lane, which holds the weights of that bit and no others, so the lanes'
weight memories add up to one copy. Where a slab is a single kernel position, lanes swap their
shares from one slab to the next. Pixels are dealt by taps and by bit planes: the lanes of each
set of planes hold a copy, of the few weights that a first layer has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np

from ...golden.network.bounds import Interval
from ...golden.network.network import PIXEL_BITS
from ..basics.checks import check_range


@dataclass(frozen=True)
class Tap:
    """One bit of a slab: kernel row, kernel column within the slab, input channel."""

    row: int
    column: int
    channel: int


@dataclass(frozen=True)
class LaneShare:
    """What one lane takes of a slab: the bits of ``planes`` of its ``taps``."""

    taps: tuple[Tap, ...]
    planes: range


def pixel_plane_sets(lanes: int) -> int:
    """Sets that the bit planes of pixels are dealt to for ``lanes`` (E) lanes.

    A lane with fewer planes has fewer empty ones to shift over and narrower sums, at the price of
    weights of its own; a set has as many planes as any other, so that all are loaded alike.
    """
    return gcd(lanes, PIXEL_BITS)


def largest_lanes(rows: int, columns: int, channels: int) -> int:
    """Most event lanes of a slab of that many kernel rows, columns and channels: one per bit."""
    return rows * columns * channels


@lru_cache(maxsize=4096)
def partition(rows: int, columns: int, channels: int, lanes: int) -> tuple[tuple[Tap, ...], ...]:
    """Deal the taps of a slab to ``lanes`` lanes; each lane's in the order of their bits.

    Each tap goes to the lane that has the fewest, of these to the one that sees its channel, then
    its row, the least. So lanes differ by at most one tap, and a channel that spikes more than
    others, or a row that lies in padding, loads all lanes alike.

    Raises:
        RheobaseError: ``lanes`` is not in 1..``largest_lanes``.
    """
    check_range("partition", "lanes (E)", lanes, 1, largest_lanes(rows, columns, channels))
    dealt: list[list[Tap]] = [[] for _ in range(lanes)]
    held = np.zeros(lanes, np.int64)
    of_channel = np.zeros((channels, lanes), np.int64)
    of_row = np.zeros((rows, lanes), np.int64)
    size = rows * columns * channels + 1
    for channel in range(channels):
        for row in range(rows):
            for column in range(columns):
                lane = int(np.argmin((held * size + of_channel[channel]) * size + of_row[row]))
                dealt[lane].append(Tap(row, column, channel))
                held[lane] += 1
                of_channel[channel, lane] += 1
                of_row[row, lane] += 1
    return tuple(map(tuple, dealt))


def swapped(shares: Sequence[tuple[Tap, ...]], lane: int, moved: int) -> tuple[Tap | None, ...]:
    """What ``lane`` takes of a slab in which lanes have moved on by ``moved`` shares.

    All lanes have as many taps as the largest share; those that a share lacks are None.
    """
    share = shares[(lane + moved) % len(shares)]
    return (*share, *[None] * (max(map(len, shares)) - len(share)))


def swapped_weights(blocks: np.ndarray, shares: Sequence[tuple[Tap, ...]], lane: int) -> np.ndarray:
    """``lane_weights`` where lanes have moved on by s mod E shares at slab s, see ``swapped``.

    A tap that lacks has weights of zero.

    Args:
        blocks: (blocks, P, channels, 1, slabs).
    """
    padded = np.pad(blocks, [(0, 0), (0, 0), (0, 1), (0, 0), (0, 0)])
    lacking = Tap(0, 0, blocks.shape[2])
    slabs = [
        lane_weights(
            padded[..., [slab]],
            tuple(tap or lacking for tap in swapped(shares, lane, slab % len(shares))),
            1,
        ).reshape(len(blocks), 1, -1, blocks.shape[1])
        for slab in range(blocks.shape[-1])
    ]
    return np.concatenate(slabs, axis=1).reshape(-1, blocks.shape[1])


def lane_weights(blocks: np.ndarray, taps: tuple[Tap, ...], slab_columns: int) -> np.ndarray:
    """Weight words of one lane: (words, P).

    Word (block * slabs + slab) * taps + tap holds the weights from that tap to the P neurons.

    Args:
        blocks: (blocks, P, channels, kernel rows, kernel columns), see ``weight_blocks``.
        taps: the lane's.
        slab_columns: kernel columns that a slab covers.
    """
    count, neurons, channels, rows, columns = blocks.shape
    slabs = columns // slab_columns
    # (blocks, slabs, row, column in the slab, channel, P)
    ordered = blocks.reshape(count, neurons, channels, rows, slabs, slab_columns)
    ordered = ordered.transpose(0, 4, 3, 5, 2, 1)
    row, column, channel = np.array([(t.row, t.column, t.channel) for t in taps]).T
    return ordered[:, :, row, column, channel].reshape(-1, neurons)


def lane_sums(
    blocks: np.ndarray, shares: Sequence[tuple[Tap, ...]], slab_columns: int, *, swaps: bool
) -> tuple[Interval, ...]:
    """Bounds of each lane's sums for inputs of 0 and 1: of any block, neuron, and part of the taps.

    Args:
        blocks: as ``lane_weights`` has them, or ``swapped_weights`` where lanes swap their shares.
        shares: taps of each lane's.
    """
    member = np.zeros((*blocks.shape[2:4], slab_columns, len(shares)))
    for lane, taps in enumerate(shares):
        for tap in taps:
            member[tap.channel, tap.row, tap.column, lane] = 1
    member = member.reshape(-1, len(shares))
    slabs = blocks.shape[4] // slab_columns
    extremes = []
    for clip in (np.minimum, np.maximum):
        # (slabs, blocks * P, taps of a slab)
        clipped = clip(blocks, 0).astype(float)
        clipped = clipped.reshape(-1, *blocks.shape[2:4], slabs, slab_columns)
        clipped = clipped.transpose(3, 0, 1, 2, 4).reshape(slabs, len(clipped), -1)
        if swaps:
            dealt = sum(np.roll(slab @ member, -turn, axis=1) for turn, slab in enumerate(clipped))
        else:
            dealt = clipped.sum(axis=0) @ member
        extremes.append(dealt)
    low, high = extremes
    return tuple(Interval.of(low[:, lane], high[:, lane]) for lane in range(len(shares)))
