"""Readout of a whole map's sums that stores no map: every spike adds its weights as it arrives."""

from __future__ import annotations

import numpy as np
from amaranth import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.bounds import Interval, effective_bias, input_maximum, layer_bounds
from ...golden.network import IMAGE, Coding, Network
from ..basics.fork import StreamFork
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.map_part import map_part
from ..design.partition import lane_weights, partition
from ..design.payloads import vector
from ..lanes.event_lane import WORD_QUEUE_DEPTH, EventLane
from ..lanes.lane_join import LaneJoin
from ..lanes.train_slabs import TrainSlabs
from ..memories.block_queue import long_queue
from ..memories.memory_shape import WeightMemory
from ..window.map_select import MapSelect
from .current_readout import CurrentReadout
from .map_sum import MapSum, MapUnitLayout


def is_streamed(network: Network, index: int, neurons: int) -> bool:
    """Whether layer ``index`` needs no window buffer at P = ``neurons``.

    It is read out by ``current``, sums up one map over its windows before a 1x1 kernel (global
    average pooling and a linear layer), gives a map of 1x1, and has an adder for every class.
    """
    layer = network.layers[index]
    first = layer.connections[0]
    return (
        layer.threshold is None
        and len(layer.connections) == 1
        and first.source != IMAGE
        and first.sum_pool is not None
        and first.kernel == (1, 1)
        and first.groups == 1
        and first.out_channels == layer.out_channels == neurons
        and network.shapes[index].output[1:] == (1, 1)
    )


class StreamedReadout(wiring.Component):
    """Layer ``index`` of ``network`` where ``is_streamed``: P accumulators in place of a map.

    The sum of a train (in ``radix`` with the worth of its planes) comes from event lanes; the sums
    of all trains of an image are added up.

    Args:
        lanes: E.
        word_width: P of the source.
        weight_memory: see ``AccumulatorLane``.
        compact: queues are in block RAM, see ``EventLane``.

    Members:
        words_0: the source's map.
        steps, delay: T and t0 of the images under way.
        scores: sums of all classes.
        accumulating: one bit for each lane.
    """

    def __init__(
        self,
        network: Network,
        index: int,
        *,
        lanes: int,
        word_width: int,
        weight_memory: WeightMemory | None = None,
        compact: bool = False,
    ):
        layer, shape = network.layers[index], network.shapes[index]
        (connection,) = layer.connections
        neurons = layer.out_channels
        bounds = layer_bounds(network, index)
        radix = network.coding == Coding.RADIX
        channels, rows, columns = shape.inputs[0]
        part = map_part(connection, shape.inputs[0], shape.conv[1:], word_width)
        groups = len(part.groups)
        self.fires = False
        self.compact = compact
        self.images_inside = 2
        self.select = MapSelect(
            part,
            rows=rows,
            columns=columns,
            groups=-(-channels // word_width),
            word_width=word_width,
            steps=network.steps,
        )
        seen = np.zeros(groups * word_width, bool)
        seen[part.first_channel : part.first_channel + connection.in_channels] = True
        masks = tuple(
            sum(int(bit) << i for i, bit in enumerate(group))
            for group in seen.reshape(groups, word_width)
        )
        self.slabs = TrainSlabs(
            word_width,
            masks,
            pixels=len(part.rows) * len(part.columns),
            steps=network.steps,
            radix=radix,
        )
        # Each group of the source's channels is a slab of its own weights.
        weight = np.zeros((neurons, groups * word_width), connection.weight.dtype)
        weight[:, seen] = connection.weight[:, :, 0, 0]
        weight = weight.reshape(neurons, groups, word_width).transpose(0, 2, 1)
        blocks = weight[np.newaxis, :, :, np.newaxis, :]
        top = input_maximum(network, connection.source) * (1 if radix else network.steps)
        self.taps = partition(1, 1, word_width, lanes)
        self.lanes = [
            self._lane(
                lane_weights(blocks, taps, 1),
                len(taps),
                groups,
                connection,
                top,
                network,
                weight_memory,
                compact,
            )
            for taps in self.taps
        ]
        total = signed_shape(bounds.pooled)
        self.join = LaneJoin(
            [lane.sums_layout.elem_shape for lane in self.lanes], neurons, total, MapUnitLayout()
        )
        self.map_sum = MapSum(neurons, total, total)
        self.readout = CurrentReadout(
            effective_bias(network, index),
            neurons=neurons,
            current_shape=total,
            bounds=bounds.potential,
            steps=network.steps,
            summed=not radix,
            whole_train=radix,
        )
        super().__init__(
            {
                "words_0": In(stream.Signature(word_width)),
                "steps": In(count_shape(network.steps)),
                "delay": In(index_shape(network.steps)),
                "scores": Out(stream.Signature(vector(self.readout.score_shape, neurons))),
                "accumulating": Out(lanes),
            }
        )

    @property
    def words(self) -> list:
        """The input streams."""
        return [self.words_0]

    def elaborate(self, platform) -> Module:
        m = Module()
        branches = len(self.lanes) + 1
        m.submodules.select = select = self.select
        m.submodules.slabs = slabs = self.slabs
        m.submodules.fork = fork = StreamFork(slabs.slab_layout, branches)
        m.submodules.join = join = self.join
        m.submodules.map_sum = map_sum = self.map_sum
        m.submodules.readout = readout = self.readout
        m.submodules.unit_queue = units = long_queue(
            MapUnitLayout(), WORD_QUEUE_DEPTH, blocks=self.compact
        )
        m.d.comb += [
            select.steps.eq(self.steps),
            slabs.steps.eq(self.steps),
            slabs.delay.eq(self.delay),
            readout.steps.eq(self.steps),
            readout.delay.eq(self.delay),
            self.accumulating.eq(Cat(lane.accumulating for lane in self.lanes)),
        ]
        wiring.connect(m, wiring.flipped(self.words_0), select.words)
        wiring.connect(m, select.kept, slabs.words)
        wiring.connect(m, slabs.slabs, fork.input)
        for index, (lane, taps) in enumerate(zip(self.lanes, self.taps, strict=True)):
            m.submodules[f"lane{index}"] = lane
            shared = fork.outputs[index]
            m.d.comb += [
                lane.slab.valid.eq(shared.valid),
                shared.ready.eq(lane.slab.ready),
                lane.slab.payload.slab.eq(shared.payload.group),
                lane.slab.payload.new_plane.eq(shared.payload.new_plane),
                lane.slab.payload.last.eq(shared.payload.last),
                lane.slab.payload.bits.as_value().eq(
                    Cat(shared.payload.bits[tap.channel] for tap in taps)
                ),
            ]
            wiring.connect(m, lane.sums, join.lanes[index])
        ends = fork.outputs[len(self.lanes)]
        m.d.comb += [
            units.input.payload.last.eq(ends.payload.image_last),
            units.input.valid.eq(ends.valid & ends.payload.last),
            ends.ready.eq(units.input.ready | ~ends.payload.last),
        ]
        wiring.connect(m, units.output, join.units)
        wiring.connect(m, join.joined, map_sum.sums)
        wiring.connect(m, map_sum.currents, readout.currents)
        wiring.connect(m, readout.scores, wiring.flipped(self.scores))
        return m

    @staticmethod
    def _lane(weights, taps, groups, connection, top, network, weight_memory, compact) -> EventLane:
        grouped = weights.reshape(groups, taps, -1).astype(np.int64)
        return EventLane(
            taps=taps,
            planes=1,
            slabs=groups,
            groups=1,
            weights=weights,
            weight_bits=connection.weight_bits,
            separate_planes=network.steps if network.coding == Coding.RADIX else 1,
            queues_sums=network.coding == Coding.RADIX,
            bounds=Interval.of(
                np.minimum(grouped, 0).sum(axis=1), np.maximum(grouped, 0).sum(axis=1)
            ).scaled(top),
            weight_memory=weight_memory,
            compact=compact,
        )
