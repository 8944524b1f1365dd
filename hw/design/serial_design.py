"""A serial connection as it is built: which weights each word of its source has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...golden.network.network import Connection
from ...golden.network.windows import tap_offsets, window_steps
from .connection_design import ConnectionDesign


@dataclass(frozen=True, eq=False)
class SerialDesign:
    """The words of a connection's source, and the weights of each of their bits.

    Attributes:
        connection: with one window, over all that it keeps of the map.
    """

    connection: ConnectionDesign

    @property
    def positions(self) -> int:
        """Kept pixels of the map."""
        return len(self.connection.part.rows) * len(self.connection.part.columns)

    @property
    def word_groups(self) -> int:
        """Kept words of a pixel, at a step."""
        return len(self.connection.part.groups)

    @property
    def shared(self) -> bool:
        """All pixels have the same weights: they are summed up."""
        return self.connection.connection.sum_pool is not None

    @property
    def planes(self) -> int:
        """Bit planes of a word."""
        return self.connection.word_planes

    @property
    def taps(self) -> int:
        """Bits of each plane of a word."""
        return self.connection.word_channels

    @property
    def largest_shift(self) -> int:
        """What a bit is worth at most, as a power of two."""
        design = self.connection
        return self.planes - 1 if design.pixels else design.separate_planes - 1

    @property
    def groups(self) -> int:
        """G, groups of P sums."""
        return self.connection.groups

    @property
    def sum_register(self) -> bool:
        """A sum that was read waits a cycle in a register: a block RAM answers late."""
        return self.connection.style.path_registers

    @property
    def passes(self) -> int:
        """Cycles of an event: no sum is read before what was added to it has been written."""
        return max(self.groups, 3 if self.sum_register else 2)

    @cached_property
    def weights(self) -> np.ndarray:
        """Integers (weight words, P): of each word, channel by channel, group by group."""
        design, connection, part = self.connection, self.connection.connection, self.connection.part
        kernel = connection.weight
        rows, columns = ([0], [0]) if self.shared else (part.rows, part.columns)
        taken = [_taps_of_rows(connection, axis) for axis in range(2)]
        channels = self.word_groups * self.taps
        sums = design.groups * design.neurons
        found = np.zeros((len(rows), len(columns), channels, sums), kernel.dtype)
        inputs = slice(part.first_channel, part.first_channel + connection.in_channels)
        outputs = slice(connection.out_start, connection.out_start + connection.out_channels)
        for y, row in enumerate(rows):
            for x, column in enumerate(columns):
                taps = (0, 0) if self.shared else (taken[0][row], taken[1][column])
                found[y, x, inputs, outputs] = kernel[:, :, taps[0], taps[1]].T
        return found.reshape(-1, design.neurons)

    @property
    def word_weights(self) -> int:
        """Weight words of a word of the source."""
        return self.taps * self.groups

    @property
    def bit_offsets(self) -> tuple[int, ...]:
        """Per bit of a word, where its weights begin among the word's."""
        return tuple(tap * self.groups for tap in range(self.taps)) * self.planes


def _taps_of_rows(connection: Connection, axis: int) -> dict[int, int]:
    """Which tap of the kernel each row (column) of the source's map has, in the only window."""
    _, before = window_steps(connection, axis)
    return {offset - before: tap for tap, offset in enumerate(tap_offsets(connection, axis))}
