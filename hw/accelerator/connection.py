"""One connection of a layer: from the words of its source to weighted sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from amaranth import Cat, Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.bounds import Interval, input_maximum
from ...golden.network import IMAGE, Coding, Network
from ..basics.fork import StreamFork
from ..basics.shapes import count_shape
from ..basics.table import lookup
from ..design.geometry import is_radix_spikes, window_geometry
from ..design.map_part import map_part
from ..design.partition import (
    LaneShare,
    lane_weights,
    partition,
    pixel_plane_parts,
    swapped,
    swapped_weights,
)
from ..design.payloads import SlabLayout, UnitLayout, member_bits, vector
from ..design.synapses import Synapses, direct_channels, fed_groups, is_direct, synapses
from ..lanes.direct_lane import DirectLane
from ..lanes.event_lane import EventLane
from ..memories.block_queue import long_queue
from ..memories.memory_shape import WeightMemory
from ..window.map_select import MapSelect
from ..window.window_buffer import WindowBuffer
from ..window.window_gather import WindowGather

#: Units that may be on their way through the lanes: what a distributed RAM holds at least.
UNIT_QUEUE_DEPTH = 16
#: The same of a lane that runs ahead of no other, whose units take some cycles each. Where there is
#: no distributed RAM, so few are registers and no block.
UNIT_QUEUE_DEPTH_ALONE = 4
#: The same where a lane has no queue of words.
UNIT_QUEUE_DEPTH_COMPACT = 2


def unit_queue_depth(alone: bool, compact: bool) -> int:
    """Units that may be on their way through a connection's lanes."""
    if not alone:
        return UNIT_QUEUE_DEPTH
    return UNIT_QUEUE_DEPTH_COMPACT if compact else UNIT_QUEUE_DEPTH_ALONE


class ConnectionPath(wiring.Component):
    """Connection ``number`` of layer ``index``: window buffer and lanes.

    All connections of a layer give out the sums of the same units in the same order. A pixel
    connection beside spikes in ``rate`` gives its sum anew at every step.

    Args:
        neurons: P of the layer.
        lanes: E; not read where the lane is direct.
        word_width: bits of an incoming word: the P of the source, or a whole pixel.
        spare_rows: see ``WindowGeometry``; None for the default.
        row_words: see ``WindowGeometry``; for spikes only.
        weight_memory: see ``AccumulatorLane``.
        compact, large: see ``LayerFolding``.

    Members:
        words: the source's map, in raster order (see ``RowWriter``).
        steps: T of the images under way.
        units: what each sum is for (of the layer's first connection only).
        lane_0 ...: each lane's sums, one for each unit.
        accumulating: one bit for each lane (each neuron of a direct lane): it adds a weight.
    """

    def __init__(
        self,
        network: Network,
        index: int,
        number: int,
        *,
        neurons: int,
        lanes: int,
        word_width: int,
        spare_rows: int | None = None,
        row_words: bool = False,
        weight_memory: WeightMemory | None = None,
        compact: bool = False,
        large: bool = False,
    ):
        layer, shape = network.layers[index], network.shapes[index]
        connection = layer.connections[number]
        pixels = connection.source == IMAGE
        groups = -(-layer.out_channels // neurons)
        geometry = window_geometry(
            network, index, number, word_width, spare_rows, row_words=row_words
        )
        part = map_part(connection, shape.inputs[number], shape.conv[1:], word_width)
        self.geometry = geometry
        self.weight_memory = weight_memory
        self.compact = compact
        self.groups = groups
        self.first_channel = part.first_channel
        self.largest_steps = network.steps
        self.slab_columns = geometry.kernel[1] if pixels else 1
        self.unit_layout = UnitLayout(len(geometry.positions), groups)
        self.slab_layout = SlabLayout(geometry, self.slab_columns, groups)
        repeated = pixels and network.coding == Coding.RATE and not layer.sees_only_image
        # The last group of the source's channels may have fewer than a word has bits.
        kept_width = min(word_width, geometry.channels * geometry.planes)
        self.buffer = WindowBuffer(
            geometry,
            word_width=kept_width,
            groups=groups,
            plane_by_plane=is_radix_spikes(network, connection.source),
            padding_bits=pixel_planes(network.zero_point) if pixels else 0,
            collapse=len(layer.connections) == 1,
            fed=fed_groups(connection, neurons),
            repeats=network.steps if repeated else 1,
            compact=compact,
            single_port=large,
        )
        self.gather = WindowGather(geometry, groups, compact=compact) if pixels else None
        self.select = self._select(network, number, index, part, word_width)
        self.synapses: Synapses | None = None
        self.shares: list[LaneShare] = []
        self.alone = False
        if is_direct(connection):
            self.channels = direct_channels(connection, neurons, layer.out_channels)
            self.lanes = [self._direct_lane(network, connection, layer.out_channels, neurons)]
        else:
            self.synapses = synapses(connection, neurons, layer.out_channels)
            parts = pixel_plane_parts(lanes) if pixels else 1
            dealt = partition(
                geometry.slab_rows, self.slab_columns, self.synapses.channels, lanes // parts
            )
            count = geometry.planes // parts
            self.shares = [
                LaneShare(taps, range(first, first + count))
                for first in range(0, geometry.planes, count)
                for taps in dealt
            ]
            self.slab_of, blocks = self._stored_slabs(connection)
            # A slab of one kernel position is channels alone: some spike more than others, and
            # lanes that swap them are loaded alike.
            self.swaps = lanes > 1 and geometry.row_words and max(self.slab_of) > 0
            self.alone = lanes == 1 and len(layer.connections) == 1
            self.lanes = [
                self._event_lane(network, connection, lane, blocks)
                for lane in range(len(self.shares))
            ]
        members = {
            "words": In(stream.Signature(word_width)),
            "steps": In(count_shape(network.steps)),
            "accumulating": Out(sum(len(lane.accumulating) for lane in self.lanes)),
        }
        #: What each lane's sums are worth, as a power of two.
        self.shifts = [geometry.planes - share.planes.stop for share in self.shares] or [0]
        for index, (lane, shift) in enumerate(zip(self.lanes, self.shifts, strict=True)):
            layout = vector(signed(lane.sum_shape.width + shift), neurons)
            members[f"lane_{index}"] = Out(stream.Signature(layout))
        self.gives_units = number == 0
        if self.gives_units:
            members["units"] = Out(stream.Signature(self.unit_layout))
        super().__init__(members)

    @property
    def sums(self) -> list:
        """The lanes' output streams."""
        return [getattr(self, f"lane_{lane}") for lane in range(len(self.lanes))]

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.buffer = buffer = self.buffer
        branches = len(self.lanes) + self.gives_units
        m.submodules.fork = fork = StreamFork(self.slab_layout, branches)
        kept = wiring.flipped(self.words)
        if self.select is not None:
            m.submodules.select = select = self.select
            wiring.connect(m, wiring.flipped(self.words), select.words)
            kept = select.kept
            m.d.comb += select.steps.eq(self.steps if self.geometry.steps > 1 else 1)
        m.d.comb += [
            buffer.words.payload.eq(kept.payload),
            buffer.words.valid.eq(kept.valid),
            kept.ready.eq(buffer.words.ready),
        ]
        m.d.comb += buffer.steps.eq(self.steps if buffer.fetcher.largest_steps > 1 else 1)
        if self.gather is None:
            wiring.connect(m, buffer.slabs, fork.input)
        else:
            m.submodules.gather = gather = self.gather
            wiring.connect(m, buffer.slabs, gather.columns)
            wiring.connect(m, gather.windows, fork.input)

        for index, lane in enumerate(self.lanes):
            m.submodules[f"lane{index}"] = lane
            shared = fork.outputs[index]
            own = lane.slab
            m.d.comb += [
                own.valid.eq(shared.valid),
                shared.ready.eq(own.ready),
                own.payload.slab.eq(shared.payload.slab),
                own.payload.group.eq(shared.payload.unit.group),
                own.payload.new_plane.eq(shared.payload.new_plane),
                own.payload.last.eq(shared.payload.last),
            ]
            if self.synapses is None:
                self._gate(m, shared.payload, own.payload.bits)
            else:
                self._deal(m, shared.payload, index, own.payload.bits.as_value())
            sums = self.sums[index]
            m.d.comb += [
                sums.valid.eq(lane.sums.valid),
                lane.sums.ready.eq(sums.ready),
                *(
                    worth.eq(own << self.shifts[index])
                    for worth, own in zip(sums.payload, lane.sums.payload, strict=True)
                ),
            ]
        m.d.comb += self.accumulating.eq(Cat(lane.accumulating for lane in self.lanes))
        if self.gives_units:
            m.submodules.unit_queue = units = long_queue(
                self.unit_layout,
                unit_queue_depth(self.alone, self.compact),
                blocks=self.compact and not self.alone,
            )
            ends = fork.outputs[len(self.lanes)]
            m.d.comb += [
                units.input.payload.eq(ends.payload.unit),
                units.input.valid.eq(ends.valid & ends.payload.last),
                ends.ready.eq(units.input.ready | ~ends.payload.last),
            ]
            wiring.connect(m, units.output, wiring.flipped(self.units))
        return m

    def _select(self, network, number, index, part, word_width) -> MapSelect | None:
        """What drops the words that the connection does not see; None where it sees all."""
        channels, rows, columns = network.shapes[index].inputs[number]
        pixels = network.layers[index].connections[number].source == IMAGE
        groups = 1 if pixels else -(-channels // word_width)
        if (len(part.rows), len(part.columns), len(part.groups)) == (rows, columns, groups):
            return None
        steps = 1 if pixels else network.steps
        return MapSelect(
            part, rows=rows, columns=columns, groups=groups, word_width=word_width, steps=steps
        )

    def _stored_slabs(self, connection) -> tuple[list[int], np.ndarray]:
        """Per slab which of the stored ones it adds, and the blocks of their weights."""
        blocks = self.synapses.blocks
        # All taps of a sum_pool's window have one weight: slabs share it, within a slab it repeats.
        sum_rows, sum_columns = connection.sum_pool.kernel if connection.sum_pool else (1, 1)
        slabs = [0]
        if self.geometry.row_words:
            rows = blocks.shape[3]
            slabs = [
                column // sum_columns * rows + row // sum_rows
                for row, column in self.geometry.slabs
            ]
            blocks = blocks.swapaxes(3, 4).reshape(*blocks.shape[:3], 1, -1)
        elif self.slab_columns == 1:
            blocks = np.repeat(blocks, sum_rows, axis=3)
            slabs = [column // sum_columns for _, column in self.geometry.slabs]
        else:
            blocks = np.repeat(np.repeat(blocks, sum_rows, axis=3), sum_columns, axis=4)
        return slabs, blocks

    def _event_lane(self, network, connection, lane: int, blocks: np.ndarray) -> EventLane:
        share = self.shares[lane]
        if self.swaps:
            taps = len(swapped(self._dealt, lane, 0))
            weights = swapped_weights(blocks, self._dealt, lane)
        else:
            taps = len(share.taps)
            weights = lane_weights(blocks, share.taps, self.slab_columns)
        # A sum is a sum over some taps of one block.
        planes = len(share.planes)
        largest = input_maximum(network, connection.source)
        if connection.source == IMAGE:
            largest = 2**planes - 1
        top = largest * (len(self.slab_of) // (max(self.slab_of) + 1))
        grouped = weights.reshape(len(blocks), -1, weights.shape[1]).astype(np.int64)
        return EventLane(
            taps=taps,
            planes=planes,
            slabs=len(self.slab_of),
            groups=self.groups,
            weights=weights,
            weight_bits=connection.weight_bits,
            separate_planes=(network.steps if is_radix_spikes(network, connection.source) else 1),
            bounds=_bounds(grouped, top),
            blocks=self.synapses.block_of,
            slab_of=self.slab_of,
            # A window of pixels or a whole train may take long in one lane.
            queues_sums=not self.alone
            and (connection.source == IMAGE or network.coding == Coding.RADIX),
            alone=self.alone,
            compact=self.compact,
            weight_memory=self.weight_memory,
        )

    def _direct_lane(self, network, connection, layer_channels, neurons) -> DirectLane:
        kernel = connection.weight[:, 0]
        if connection.sum_pool is not None:
            for axis, size in enumerate(connection.sum_pool.kernel):
                kernel = np.repeat(kernel, size, axis=1 + axis)
        blocks = np.zeros((self.groups * neurons, *kernel.shape[1:]), kernel.dtype)
        blocks[connection.out_start : connection.out_start + connection.out_channels] = kernel
        blocks = blocks.reshape(self.groups, neurons, *kernel.shape[1:]).transpose(0, 3, 2, 1)
        if self.geometry.row_words:
            blocks = blocks.reshape(self.groups, -1, 1, neurons)
        taps = blocks.reshape(self.groups, -1, neurons).astype(np.int64)
        top = input_maximum(network, connection.source)
        bounds = _bounds(taps, top)
        return DirectLane(blocks, connection.weight_bits, bounds, self.weight_memory)

    @property
    def _dealt(self) -> list[tuple]:
        """Taps of each lane's share."""
        return [share.taps for share in self.shares]

    def _deal(self, m: Module, slab, lane: int, bits: Signal) -> None:
        """The bits of the slab that are ``lane``'s."""
        seen = self._seen(m, slab, lane)
        if not self.swaps:
            share = self.shares[lane]
            m.d.comb += bits.eq(
                Cat(
                    seen(tap.row, tap.column, plane, tap.channel)
                    for plane in share.planes
                    for tap in share.taps
                )
            )
            return
        count = len(self.shares)
        # Where slabs are fewer than lanes, some turns never come.
        turns = [s % count for s in self.slab_of]
        turn = lookup(m, slab.slab, turns, name=f"turn_{lane}")
        with m.Switch(turn):
            for number in reversed(range(max(turns) + 1)):
                taps = swapped(self._dealt, lane, number)
                own = Cat(Const(0) if tap is None else seen(0, 0, 0, tap.channel) for tap in taps)
                with m.Case(number) if number else m.Default():
                    m.d.comb += bits.eq(own)

    def _seen(self, m: Module, slab, lane: int) -> Callable[[int, int, int, int], Value]:
        """The slab's bits that the unit's group sees, by row, column, plane and channel."""
        known = self.synapses
        group = slab.unit.group
        count = known.channels
        first = self.first_channel

        def stored(row: int, column: int, plane: int, start: int, stop: int) -> Value:
            return member_bits(slab, "bits", row, column, plane, start=start, stop=stop)

        if known.part_of is None and known.seen is None:
            return lambda row, column, plane, channel: stored(
                row, column, plane, first + channel, first + channel + 1
            )

        def masked(row: int, column: int, plane: int) -> Value:
            return stored(row, column, plane, first, first + count) & mask

        def own_part(row: int, column: int, plane: int) -> Value:
            result = Signal(count)
            with m.Switch(group):
                for index, part in enumerate(known.part_of):
                    with m.Case(index):
                        start = first + part * count
                        m.d.comb += result.eq(stored(row, column, plane, start, start + count))
            return result

        if known.part_of is None:
            masks = [sum(int(bit) << i for i, bit in enumerate(seen)) for seen in known.seen]
            mask = lookup(m, group, masks, name=f"seen_{lane}", shape=unsigned(count))
        choose = masked if known.part_of is None else own_part
        rows = [
            [
                [choose(row, column, plane) for plane in range(self.geometry.planes)]
                for column in range(self.slab_columns)
            ]
            for row in range(self.geometry.slab_rows)
        ]
        return lambda row, column, plane, channel: rows[row][column][plane][channel]

    def _gate(self, m: Module, slab, bits) -> None:
        """Each neuron's own channel of each kernel row."""
        gates = []
        for row in range(self.geometry.slab_rows):
            spikes = slab.bits[row][0][0]
            for neuron, channels in enumerate(self.channels.T):
                places = [self.first_channel + int(c) if c >= 0 else None for c in channels]
                own = [Const(0) if place is None else spikes[place] for place in places]
                if len(set(places)) == 1:
                    gates.append(own[0])
                    continue
                gate = Signal(name=f"gate_{row}_{neuron}")
                with m.Switch(slab.unit.group):
                    for group, spike in enumerate(own):
                        with m.Case(group):
                            m.d.comb += gate.eq(spike)
                gates.append(gate)
        m.d.comb += bits.as_value().eq(Cat(gates))


def pixel_planes(pixel: np.ndarray) -> int:
    """A pixel's channels (uint8) as bit planes, the most significant plane in the lowest bits."""
    bits = [int(value) >> plane & 1 for plane in reversed(range(8)) for value in pixel]
    return sum(bit << index for index, bit in enumerate(bits))


def _bounds(weights: np.ndarray, top: int) -> Interval:
    """Of the sums over any of the taps: (blocks, taps, P), inputs of 0..``top``."""
    low, high = (clip(weights, 0).sum(axis=1) for clip in (np.minimum, np.maximum))
    return Interval.of(low, high).scaled(top)
