"""One connection as it is built: worked out once, for components and predictions alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.bounds import Interval, connection_bounds, input_range
from ...golden.network.network import (
    IMAGE,
    PIXEL_BITS,
    Coding,
    Connection,
    Layer,
    Network,
)
from ..basics.widths import count_bits, index_bits
from .adder_graph import AdderGraph
from .folding import WeightMemory
from .geometry import WindowGeometry, is_radix_spikes, step_planes, window_geometry
from .graph_optimiser import adder_graph
from .map_part import MapPart, map_part
from .partition import LaneShare, lane_sums, partition, pixel_plane_sets
from .queues import LaneQueues, QueueDesign, lane_queues, unit_queue
from .sliding import SlidingGeometry
from .style import FAST, Style
from .synapses import Synapses, fed_groups, fits_kernel_groups, is_direct, seen_channels, synapses


@dataclass(frozen=True)
class LaneDesign:
    """What one event lane is built of.

    Attributes:
        taps, planes: bits of its share of a slab.
        words: weight words, ``neurons`` weights each.
        sums: bounds of its sums.
        word_bits: of an element of its queue of words.
    """

    taps: int
    planes: int
    words: int
    sums: Interval
    word_bits: int


@dataclass(frozen=True, eq=False)
class ConnectionDesign:
    """Connection ``number`` of layer ``index``: its window buffer, lanes and queues.

    Attributes:
        neurons: P of the layer.
        lanes: E; 0 where the lane is direct, a graph, or serial.
        row_words: see ``WindowGeometry``.
        large: the window buffer is a memory of a single port, if words suit it.
        word_width: bits of an incoming word: the P of the source, or a whole pixel.
        spare_rows: see ``WindowGeometry``; None for its default.
        weight_memory: what holds the weights; by their size where None.
        style: of the layer.
        streamed: the layer is a streamed readout, whose lanes read the source's words as they come.
        graph: an adder graph adds up the windows.
        serial: weights are added one after another.
    """

    network: Network
    index: int
    number: int
    neurons: int
    lanes: int
    row_words: bool
    large: bool
    word_width: int
    spare_rows: int | None
    weight_memory: WeightMemory | None
    style: Style
    streamed: bool
    graph: bool = False
    serial: bool = False

    @property
    def layer(self) -> Layer:
        return self.network.layers[self.index]

    @property
    def connection(self) -> Connection:
        return self.layer.connections[self.number]

    # What comes in, and which of it is kept.

    @property
    def pixels(self) -> bool:
        """It sees the image."""
        return self.connection.source == IMAGE

    @property
    def radix_spikes(self) -> bool:
        """It reads spike trains plane by plane."""
        return is_radix_spikes(self.network, self.connection.source)

    @property
    def source_map(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the source's map."""
        return self.network.shapes[self.index].inputs[self.number]

    @property
    def word_planes(self) -> int:
        """Bit planes of a word, the most significant first; one but for pixels."""
        return PIXEL_BITS if self.pixels else 1

    @property
    def word_channels(self) -> int:
        """Channels of a word: bits of each of its planes."""
        return self.word_width // self.word_planes

    @property
    def source_groups(self) -> int:
        """Words of a pixel of the source's map, at a step."""
        return 1 if self.pixels else ceil_div(self.source_map[0], self.word_width)

    @property
    def largest_steps(self) -> int:
        """Largest T that it is told: the source's, the network's where it sees the image."""
        network = self.network
        return network.steps if self.pixels else network.steps_of(self.connection.source)

    @property
    def source_steps(self) -> int:
        """T of the source, 1 for pixels."""
        return 1 if self.pixels else self.largest_steps

    @property
    def step_planes(self) -> int:
        """Words of a pixel and group at each step."""
        return step_planes(self.network, self.connection.source)

    @cached_property
    def part(self) -> MapPart:
        """The part of the source's map that is kept."""
        conv = self.network.shapes[self.index].conv[1:]
        return map_part(self.connection, self.source_map, conv, self.word_width)

    @property
    def keeps_all(self) -> bool:
        """No word of the source's map has to be dropped."""
        part = self.part
        kept = len(part.rows), len(part.columns), len(part.groups)
        return kept == (*self.source_map[1:], self.source_groups)

    # The window buffer.

    @cached_property
    def geometry(self) -> WindowGeometry:
        return _geometry(
            self.network, self.index, self.number, self.word_width, self.spare_rows, self.row_words
        )

    @property
    def kept_width(self) -> int:
        """Bits of a word that are kept: the last group of a source may have fewer than P."""
        return min(self.word_width, self.geometry.channels * self.geometry.planes)

    @property
    def groups(self) -> int:
        """Groups of P output channels."""
        return ceil_div(self.layer.out_channels, self.neurons)

    @property
    def fed(self) -> range:
        """Groups that the connection feeds."""
        return fed_groups(self.connection, self.neurons)

    @property
    def repeats(self) -> int:
        """How often a window is gone through: T for pixels beside spikes in ``rate``, else 1."""
        beside_spikes = self.pixels and not self.layer.sees_only_image
        return self.network.steps if beside_spikes and self.network.coding == Coding.RATE else 1

    @property
    def alone(self) -> bool:
        """Its only lane is the only one of its layer, which has nothing to run ahead of."""
        return self.lanes == 1 and len(self.layer.connections) == 1 and not self.streamed

    @property
    def collapses(self) -> bool:
        """One window without events stands for all of a pooled output's."""
        return len(self.layer.connections) == 1

    @property
    def unit_fields(self) -> dict[str, int]:
        """Widths of what a unit of its is for."""
        return unit_fields(len(self.geometry.positions), self.groups)

    @property
    def gives_units(self) -> bool:
        """It is the one of its layer that says what sums are for."""
        return self.number == 0

    @property
    def unit_queue(self) -> QueueDesign:
        return unit_queue(self.style, alone=self.alone)

    # Its lanes.

    @property
    def direct(self) -> bool:
        """Its lane is direct."""
        return is_direct(self.connection) and not self.graph

    @property
    def slab_rows(self) -> int:
        """Kernel rows that a slab has."""
        return 1 if self.streamed else self.geometry.slab_rows

    @property
    def slab_columns(self) -> int:
        """Kernel columns that a slab has on its way to the lanes."""
        return self.geometry.kernel[1] if self.pixels else 1

    @cached_property
    def slab_of(self) -> tuple[int, ...]:
        """Per slab which of the stored ones it adds.

        All taps of a ``sum_pool``'s window have one weight: slabs share it, within a slab it
        repeats.
        """
        if self.streamed:
            return tuple(range(len(self.part.groups)))
        if self.slab_columns > 1:
            return (0,)
        down, across = self.connection.sum_pool.kernel if self.connection.sum_pool else (1, 1)
        if self.row_words:
            rows, columns = self.geometry.kernel
            return tuple(
                column // across * self.connection.kernel[0] + row // down
                for column in range(columns)
                for row in range(rows)
            )
        return tuple(column // across for _, column in self.geometry.slabs)

    @property
    def stored_slabs(self) -> int:
        """Slabs that weights are stored of."""
        return max(self.slab_of) + 1

    @property
    def swaps(self) -> bool:
        """Lanes swap their shares from slab to slab.

        A slab of one kernel position is channels alone: some spike more than others, and lanes
        that swap them are loaded alike.
        """
        return self.lanes > 1 and self.row_words and self.stored_slabs > 1

    @property
    def channels(self) -> int:
        """Channels that a group of neurons sees, or of a word where it is streamed."""
        if self.streamed:
            return self.word_width
        return seen_channels(self.connection, self.neurons)

    @property
    def planes(self) -> int:
        """Bit planes of a slab."""
        return 1 if self.streamed else self.geometry.planes

    @property
    def plane_sets(self) -> int:
        """Sets that the planes are dealt to: lanes of one set see the same planes."""
        return pixel_plane_sets(self.lanes) if self.pixels else 1

    @property
    def lane_planes(self) -> int:
        """Bit planes that a lane sees."""
        return self.planes // self.plane_sets

    @property
    def separate_planes(self) -> int:
        """Planes that come as slabs of their own, each worth half: T of the source, else 1."""
        return self.source_steps if self.radix_spikes else 1

    @property
    def signed_trains(self) -> bool:
        """The source fires signed: the first plane of a unit counts negative."""
        return not self.pixels and self.network.layers[self.connection.source].signed

    @property
    def inputs(self) -> Interval:
        """What a tap counts in a lane."""
        if self.pixels:
            return Interval(0, 2**self.lane_planes - 1)
        whole_train = self.streamed and not self.radix_spikes and not self.signed_trains
        return input_range(self.network, self.connection.source).scaled(
            self.network.steps if whole_train else 1
        )

    @property
    def queues(self) -> LaneQueues:
        """Of each event lane."""
        long_units = self.pixels or self.network.coding == Coding.RADIX
        return lane_queues(self.style, alone=self.alone, long_units=long_units)

    @property
    def lane_style(self) -> Style:
        """Of what is in a lane: those that run ahead of one another have every register."""
        return self.style if self.alone else FAST

    @cached_property
    def synapses(self) -> Synapses:
        return synapses(self.connection, self.neurons, self.layer.out_channels)

    @cached_property
    def shares(self) -> tuple[LaneShare, ...]:
        """What each event lane takes of a slab."""
        dealt = partition(
            self.slab_rows, self.slab_columns, self.channels, self.lanes // self.plane_sets
        )
        count = self.lane_planes
        return tuple(
            LaneShare(taps, range(first, first + count))
            for first in range(0, self.planes, count)
            for taps in dealt
        )

    @property
    def shifts(self) -> tuple[int, ...]:
        """What each lane's sums are worth, as a power of two."""
        if self.direct:
            return (0,)
        return tuple(self.planes - share.planes.stop for share in self.shares)

    @property
    def sliding(self) -> SlidingGeometry:
        """Of the windows of a graph lane."""
        return SlidingGeometry(self.geometry, self.part.first_channel, self.connection.in_channels)

    @cached_property
    def adder_graph(self) -> AdderGraph:
        """Of a graph lane: its inputs are the window's taps, each channel of one in turn."""
        # A group of all channels, whatever kernel groups there are.
        (block,) = self.synapses.blocks
        for axis, size in enumerate(
            self.connection.sum_pool.kernel if self.connection.sum_pool else ()
        ):
            block = np.repeat(block, size, axis=2 + axis)
        weights = block.transpose(2, 3, 1, 0).reshape(-1, self.neurons)
        tap = Interval(0, 2**self.geometry.planes - 1)
        return adder_graph(weights, [tap] * len(weights))

    def stored_blocks(self) -> np.ndarray:
        """The weights of event lanes: (blocks, P, channels, slab rows, kernel columns or slabs)."""
        connection = self.connection
        if self.streamed:
            return self._streamed_blocks()
        blocks = self.synapses.blocks
        down, across = connection.sum_pool.kernel if connection.sum_pool else (1, 1)
        if self.row_words:
            return blocks.swapaxes(3, 4).reshape(*blocks.shape[:3], 1, -1)
        blocks = np.repeat(blocks, down, axis=3)
        return np.repeat(blocks, across, axis=4) if self.slab_columns > 1 else blocks

    def _streamed_blocks(self) -> np.ndarray:
        """Each word of the source's channels is a slab of its own weights."""
        connection, part = self.connection, self.part
        words = len(part.groups)
        weight = np.zeros((self.neurons, words * self.word_width), connection.weight.dtype)
        weight[:, self.seen_bits] = connection.weight[:, :, 0, 0]
        weight = weight.reshape(self.neurons, words, self.word_width).transpose(0, 2, 1)
        return weight[np.newaxis, :, :, np.newaxis, :]

    @cached_property
    def seen_bits(self) -> np.ndarray:
        """bool: which bits of a plane of a pixel's words are channels of the connection."""
        part = self.part
        seen = np.zeros(len(part.groups) * self.word_channels, bool)
        seen[part.first_channel : part.first_channel + self.connection.in_channels] = True
        return seen

    @property
    def seen_masks(self) -> tuple[int, ...]:
        """Per word of a pixel, a bit mask of those of its bits that are channels of it."""
        words = np.tile(self.seen_bits.reshape(-1, self.word_channels), self.word_planes)
        return tuple(sum(int(bit) << i for i, bit in enumerate(word)) for word in words)

    def direct_blocks(self) -> np.ndarray:
        """The weights of a direct lane: (groups, slabs, slab rows, P)."""
        connection = self.connection
        kernel = connection.weight[:, 0]
        if connection.sum_pool is not None:
            for axis, size in enumerate(connection.sum_pool.kernel):
                kernel = np.repeat(kernel, size, axis=1 + axis)
        blocks = np.zeros((self.groups * self.neurons, *kernel.shape[1:]), kernel.dtype)
        blocks[connection.out_start : connection.out_start + connection.out_channels] = kernel
        blocks = blocks.reshape(self.groups, self.neurons, *kernel.shape[1:])
        blocks = blocks.transpose(0, 3, 2, 1)
        return blocks.reshape(self.groups, -1, 1, self.neurons) if self.row_words else blocks

    @property
    def direct_sums(self) -> Interval:
        """Bounds of the sums of a direct lane."""
        return Interval.of(*connection_bounds(self.network, self.connection))

    @property
    def lane_designs(self) -> tuple[LaneDesign, ...]:
        """Its event lanes, first to last."""
        most = max(len(share.taps) for share in self.shares)
        blocks = 1 if self.streamed else len(self.fed)
        found = []
        for share, sums in zip(self.shares, self.lane_sums, strict=True):
            taps = most if self.swaps else len(share.taps)
            words = blocks * self.stored_slabs * taps
            marks = index_bits(words) + count_bits(self.separate_planes - 1) + 1
            marks += self.signed_trains
            bits = taps * self.lane_planes + marks
            found.append(LaneDesign(taps, self.lane_planes, words, sums, bits))
        return tuple(found)

    @cached_property
    def lane_sums(self) -> tuple[Interval, ...]:
        """Bounds of each event lane's sums."""
        if self.streamed:
            # A unit is a train of one word: each slab is by itself.
            blocks = self._streamed_blocks()[0].transpose(3, 0, 1, 2)[..., np.newaxis]
            return self._scaled_sums(blocks, 1)
        fits = self.connection.groups == 1 or fits_kernel_groups(self.connection, self.neurons)
        return _lane_sums(
            self.network, self.index, self.number, self.lanes, self.row_words, 1 if fits else None
        )

    def _scaled_sums(self, blocks: np.ndarray, repeats: int) -> tuple[Interval, ...]:
        """Of lanes with the weights ``blocks``, each of which counts ``repeats`` times."""
        sums = lane_sums(
            blocks, [share.taps for share in self.shares], self.slab_columns, swaps=self.swaps
        )
        inputs = self.inputs.scaled(repeats)
        return tuple(
            bounds.scaled(inputs.high) + Interval(-bounds.high, -bounds.low).scaled(-inputs.low)
            for bounds in sums
        )


#: Bits that say what a streamed readout's sum is for: whether it is the image's last.
MAP_UNIT_BITS = 1


def unit_fields(positions: int, groups: int) -> dict[str, int]:
    """Widths of what a weighted sum is for, see ``UnitLayout``."""
    return {
        "position": index_bits(positions),
        "first_position": 1,
        "last_position": 1,
        "first_step": 1,
        "last_step": 1,
        "group": index_bits(groups),
    }


@lru_cache(maxsize=4096)
def _geometry(
    network: Network,
    index: int,
    number: int,
    word_width: int,
    spare_rows: int | None,
    row_words: bool,
) -> WindowGeometry:
    return window_geometry(network, index, number, word_width, spare_rows, row_words=row_words)


@lru_cache(maxsize=4096)
def _lane_sums(
    network: Network, index: int, number: int, lanes: int, row_words: bool, fitting: int | None
) -> tuple[Interval, ...]:
    """Bounds of each event lane's sums, which are the same for every P that fits kernel groups.

    Args:
        fitting: such a P; None for one that does not fit.
    """
    layer = network.layers[index]
    design = ConnectionDesign(
        network,
        index,
        number,
        fitting or layer.out_channels,
        lanes,
        row_words,
        large=False,
        word_width=1,
        spare_rows=None,
        weight_memory=None,
        style=FAST,
        streamed=False,
    )
    return design._scaled_sums(design.stored_blocks(), len(design.slab_of) // design.stored_slabs)
