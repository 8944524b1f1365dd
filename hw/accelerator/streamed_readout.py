"""Readout of a whole map's sums that stores no map: every spike adds its weights as it arrives."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.network import Coding
from ..basics.fork import StreamFork
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..basics.step_words import step_words
from ..design.layer_design import LayerDesign
from ..design.payloads import MapUnitLayout, vector
from ..lanes.lane_join import LaneJoin
from ..lanes.train_slabs import TrainSlabs
from ..memories.ram_queue import built_queue
from ..readout.current_readout import CurrentReadout
from ..readout.map_sum import MapSum
from .connection import map_select
from .event_connection import event_lane
from .own_steps import OwnSteps


class StreamedReadout(wiring.Component):
    """Spike words of a whole map in, scores of all classes out: P accumulators in place of a map.

    The sum of a train (in ``radix`` with the worth of its planes; of a step where that has two)
    comes from event lanes; the sums of all trains of an image are added up::

        words_0 -> select -> slabs -> fork -+-> lanes ------> join -> map sum -> readout -> scores
                                            +-> unit queue --^

    Args:
        design: of a layer that is ``streamed``.

    Members:
        words_0: in; the source's map.
        steps, delay: in; T and t0 of the images under way.
        scores: out; sums of all classes.
        accumulating: out; one bit for each lane.

    Cycles: a spike word in each, as long as every lane takes its share.
    """

    words_0: stream.Interface
    scores: stream.Interface
    steps: Signal
    delay: Signal
    accumulating: Signal

    def __init__(self, design: LayerDesign):
        (connection,) = design.connections
        self.design = design
        self.connection = connection
        network, neurons = design.network, design.neurons
        radix = network.coding == Coding.RADIX
        part = connection.part
        self.select = map_select(connection)
        self.slabs = TrainSlabs(
            connection.word_width,
            connection.seen_masks,
            pixels=len(part.rows) * len(part.columns),
            steps=connection.largest_steps,
            radix=radix,
            step_planes=connection.step_planes,
        )
        blocks = connection.stored_blocks()
        self.lanes = [
            event_lane(connection, lane, blocks) for lane in range(len(connection.shares))
        ]
        total = signed_shape(design.current)
        self.join = LaneJoin(
            [lane.sums_layout.elem_shape for lane in self.lanes], neurons, total, MapUnitLayout()
        )
        self.map_sum = MapSum(neurons, total, total)
        self.readout = CurrentReadout(
            design.bias,
            neurons=neurons,
            current_shape=total,
            bounds=design.bounds.potential,
            steps=network.steps,
            summed=not radix,
            whole_train=radix,
        )
        super().__init__(
            {
                "words_0": In(stream.Signature(connection.word_width)),
                "steps": In(count_shape(network.steps)),
                "delay": In(index_shape(network.steps)),
                "scores": Out(stream.Signature(vector(self.readout.score_shape, neurons))),
                "accumulating": Out(len(self.lanes)),
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
        m.submodules.unit_queue = units = built_queue(self.connection.unit_queue, MapUnitLayout())
        own = OwnSteps(m, self.steps, self.design.network.steps).of(self.connection.largest_steps)
        m.d.comb += [
            select.steps.eq(step_words(own, self.connection.step_planes)),
            slabs.steps.eq(own),
            slabs.delay.eq(self.delay),
            readout.steps.eq(self.steps),
            readout.delay.eq(self.delay),
            self.accumulating.eq(Cat(lane.accumulating for lane in self.lanes)),
        ]
        wiring.connect(m, wiring.flipped(self.words_0), select.words)
        wiring.connect(m, select.kept, slabs.words)
        wiring.connect(m, slabs.slabs, fork.input)
        shares = self.connection.shares
        for index, lane in enumerate(self.lanes):
            m.submodules[f"lane{index}"] = lane
            shared = fork.outputs[index]
            m.d.comb += [
                lane.slab.valid.eq(shared.valid),
                shared.ready.eq(lane.slab.ready),
                lane.slab.payload.slab.eq(shared.payload.group),
                lane.slab.payload.new_plane.eq(shared.payload.new_plane),
                lane.slab.payload.last.eq(shared.payload.last),
                lane.slab.payload.bits.as_value().eq(
                    Cat(shared.payload.bits[tap.channel] for tap in shares[index].taps)
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
