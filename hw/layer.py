"""One layer of the pipeline: window buffer, event lanes, neurons."""

from __future__ import annotations

import numpy as np
from amaranth import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.bounds import input_maximum, layer_bounds
from ..golden.network import Network
from .event_lane import WORD_QUEUE_DEPTH, EventLane
from .folding import LayerFolding
from .fork import StreamFork
from .geometry import is_radix_spikes, window_geometry
from .lane_join import LaneJoin
from .neuron_group import NeuronGroup
from .partition import Partition, lane_weights, partition
from .payloads import SlabLayout, UnitLayout, vector
from .queue import Queue
from .shapes import count_shape, index_shape, signed_shape
from .window_buffer import WindowBuffer
from .window_gather import WindowGather

#: Units that may be on their way through the lanes: as many as a lane's queue has words.
UNIT_QUEUE_DEPTH = WORD_QUEUE_DEPTH


class SpikingLayer(wiring.Component):
    """Layer ``index`` of ``network``, folded to P neurons and E event lanes.

    Args:
        word_width: bits of an incoming word: the P of the layer before, or a whole pixel.
        spare_rows: see ``WindowGeometry``; None for the default.

    Members:
        words: the input map (see ``WindowBuffer``).
        steps, delay: T and t0 of the images under way (``delay`` only with ``scores``).
        spikes: per output pixel, per group, a word of P spikes per step; or
        scores: of a last layer without neurons.
        accumulating: one bit per lane: it adds an accumulation in this cycle.
    """

    def __init__(
        self,
        network: Network,
        index: int,
        folding: LayerFolding,
        word_width: int,
        spare_rows: int | None = None,
    ):
        layer = network.layers[index]
        bounds = layer_bounds(network, index)
        pixels = index == 0
        radix_spikes = is_radix_spikes(network, index)
        geometry = window_geometry(network, index, spare_rows)
        neurons = folding.neurons
        groups = -(-layer.out_channels // neurons)
        self.geometry = geometry
        (connection,) = layer.connections
        self.parts = partition(connection, folding.lanes, pixels=pixels)
        self.unit_layout = UnitLayout(len(geometry.positions), groups)
        self.slab_layout = SlabLayout(geometry, self.parts.slab_columns, groups)
        self.buffer = WindowBuffer(
            geometry,
            word_width=word_width,
            groups=groups,
            plane_by_plane=radix_spikes,
            padding_bits=pixel_planes(network.zero_point) if pixels else 0,
        )
        self.gather = WindowGather(geometry, groups) if pixels else None
        self.lanes = [
            EventLane(
                taps=len(taps),
                planes=geometry.planes,
                slabs=self.parts.slabs,
                groups=groups,
                weights=lane_weights(connection, self.parts, lane, neurons),
                weight_bits=connection.weight_bits,
                separate_planes=network.steps if radix_spikes else 1,
                bounds=_lane_bounds(network, index, self.parts, lane),
                alone=folding.lanes == 1,
            )
            for lane, taps in enumerate(self.parts.lanes)
        ]
        self.join = LaneJoin(
            [lane.accumulator.sum_shape for lane in self.lanes],
            neurons,
            signed_shape(bounds.window),
            self.unit_layout,
        )
        self.group = NeuronGroup(network, index, neurons)
        members = {
            "words": In(stream.Signature(word_width)),
            "steps": In(count_shape(network.steps)),
            "accumulating": Out(folding.lanes),
        }
        if self.group.fires:
            members["spikes"] = Out(stream.Signature(neurons))
        else:
            members["delay"] = In(index_shape(network.steps))
            members["scores"] = Out(stream.Signature(vector(self.group.score_shape, neurons)))
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.buffer = buffer = self.buffer
        m.submodules.fork = fork = StreamFork(self.slab_layout, len(self.lanes) + 1)
        m.submodules.join = join = self.join
        m.submodules.group = group = self.group
        m.submodules.units = units = Queue(self.unit_layout, UNIT_QUEUE_DEPTH)

        wiring.connect(m, wiring.flipped(self.words), buffer.words)
        m.d.comb += [
            buffer.steps.eq(self.steps if self.geometry.steps > 1 else 1),
            group.steps.eq(self.steps),
        ]
        if self.gather is None:
            wiring.connect(m, buffer.slabs, fork.input)
        else:
            m.submodules.gather = gather = self.gather
            wiring.connect(m, buffer.slabs, gather.columns)
            wiring.connect(m, gather.windows, fork.input)

        for index, lane in enumerate(self.lanes):
            m.submodules[f"lane_{index}"] = lane
            shared = fork.outputs[index]
            own = lane.slab
            m.d.comb += [
                own.valid.eq(shared.valid),
                shared.ready.eq(own.ready),
                own.payload.slab.eq(shared.payload.slab),
                own.payload.group.eq(shared.payload.unit.group),
                own.payload.new_plane.eq(shared.payload.new_plane),
                own.payload.last.eq(shared.payload.last),
                own.payload.bits.as_value().eq(self._share(shared.payload.bits, index)),
            ]
            wiring.connect(m, lane.sums, join.lanes[index])
        ends = fork.outputs[len(self.lanes)]
        m.d.comb += [
            units.input.payload.eq(ends.payload.unit),
            units.input.valid.eq(ends.valid & ends.payload.last),
            ends.ready.eq(units.input.ready | ~ends.payload.last),
            self.accumulating.eq(Cat(lane.accumulating for lane in self.lanes)),
        ]
        wiring.connect(m, units.output, join.units)
        wiring.connect(m, join.joined, group.sums)
        if group.fires:
            wiring.connect(m, group.spikes, wiring.flipped(self.spikes))
        else:
            m.d.comb += group.delay.eq(self.delay)
            wiring.connect(m, group.scores, wiring.flipped(self.scores))
        return m

    def _share(self, bits, lane: int):
        """The lane's taps of a slab, plane by plane."""
        return Cat(
            bits[tap.row][tap.column][plane][tap.channel]
            for plane in range(self.geometry.planes)
            for tap in self.parts.lanes[lane]
        )


def pixel_planes(pixel: np.ndarray) -> int:
    """A pixel's channels (uint8) as bit planes, the most significant plane in the lowest bits."""
    bits = [int(value) >> plane & 1 for plane in reversed(range(8)) for value in pixel]
    return sum(bit << index for index, bit in enumerate(bits))


def _lane_bounds(network: Network, index: int, parts: Partition, lane: int) -> tuple[int, int]:
    """Range of one lane's sums over all inputs."""
    (connection,) = network.layers[index].connections
    weights = lane_weights(connection, parts, lane, connection.out_channels).astype(np.int64)
    top = input_maximum(network, connection.source)
    low = int(np.minimum(weights, 0).sum(axis=0).min()) * top
    high = int(np.maximum(weights, 0).sum(axis=0).max()) * top
    return low, high
