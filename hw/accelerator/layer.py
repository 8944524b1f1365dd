"""One layer of the pipeline: connections, the sum over them, neurons."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.layer_design import LayerDesign
from ..design.payloads import vector
from ..lanes.lane_join import LaneJoin
from .direct_connection import DirectConnection
from .event_connection import EventConnection
from .graph_connection import GraphConnection
from .neuron_group import NeuronGroup
from .own_steps import OwnSteps
from .serial_connection import SerialConnection


class SpikingLayer(wiring.Component):
    """Maps of its sources in, a map of spikes or an output's scores out.

    Args:
        design: what is built.

    Members:
        words_0 ...: in; the map of each connection's source.
        steps, delay: in; T and t0 of the images under way (``delay`` only with ``scores``).
        spikes: out; per output pixel, per group, a word of P spikes per step; or
        scores: out; of an output without neurons.
        accumulating: out; see ``ConnectionPath``, connection after connection.
    """

    spikes: stream.Interface
    delay: Signal
    scores: stream.Interface
    steps: Signal
    accumulating: Signal

    def __init__(self, design: LayerDesign):
        self.design = design
        self.join = None
        if design.graph:
            self.connections = [GraphConnection(design)]
        elif design.serial:
            self.connections = [SerialConnection(design)]
        else:
            self.connections = [
                DirectConnection(connection) if connection.direct else EventConnection(connection)
                for connection in design.connections
            ]
            self.join = LaneJoin(
                [s.payload.shape().elem_shape for path in self.connections for s in path.sums],
                design.neurons,
                signed_shape(design.bounds.window),
                self.connections[0].unit_layout,
                style=design.style,
            )
        self.group = NeuronGroup(design)
        network = design.network
        members = {"steps": In(count_shape(network.steps))}
        for number, path in enumerate(self.connections):
            members[f"words_{number}"] = In(path.words.signature.flip())
        members["accumulating"] = Out(sum(len(path.accumulating) for path in self.connections))
        if self.design.fires:
            members["spikes"] = Out(stream.Signature(design.neurons))
        else:
            members["delay"] = In(index_shape(network.steps))
            scores = vector(self.group.score_shape, design.neurons)
            members["scores"] = Out(stream.Signature(scores))
        super().__init__(members)

    @property
    def words(self) -> list:
        """The input streams, one for each connection."""
        return [getattr(self, f"words_{number}") for number in range(len(self.connections))]

    def elaborate(self, platform) -> Module:
        m = Module()
        if self.join is not None:
            m.submodules.join = self.join
        m.submodules.group = group = self.group
        joined = iter([] if self.join is None else self.join.lanes)
        steps = OwnSteps(m, self.steps, self.design.network.steps)
        for number, path in enumerate(self.connections):
            m.submodules[f"connection{number}"] = path
            wiring.connect(m, wiring.flipped(self.words[number]), path.words)
            m.d.comb += path.steps.eq(steps.of(path.design.largest_steps))
            if self.design.serial and not self.design.fires:
                m.d.comb += path.delay.eq(self.delay)
            if self.join is not None:
                for sums in path.sums:
                    wiring.connect(m, sums, next(joined))
        if self.join is None:
            wiring.connect(m, self.connections[0].sums, group.sums)
        else:
            wiring.connect(m, self.connections[0].units, self.join.units)
            wiring.connect(m, self.join.joined, group.sums)
        m.d.comb += [
            group.steps.eq(steps.of(self.design.steps)),
            self.accumulating.eq(Cat(path.accumulating for path in self.connections)),
        ]
        if self.design.fires:
            wiring.connect(m, group.spikes, wiring.flipped(self.spikes))
        else:
            m.d.comb += group.delay.eq(self.delay)
            wiring.connect(m, group.scores, wiring.flipped(self.scores))
        return m
