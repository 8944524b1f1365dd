"""One layer of the pipeline: connections, the sum over them, neurons."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.bounds import layer_bounds
from ...golden.network import Network
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.payloads import vector
from ..lanes.lane_join import LaneJoin
from ..memories.memory_shape import WeightMemory
from .connection import ConnectionPath
from .neuron_group import NeuronGroup


class SpikingLayer(wiring.Component):
    """Layer ``index`` of ``network``, folded to P neurons and E event lanes of each connection.

    Args:
        neurons: P.
        lanes: E of each connection.
        word_widths: bits of a word of each connection's source: its P, or a whole pixel.
        spare_rows, row_words: of each connection's buffer, see ``WindowGeometry``.
        large: of each connection's buffer, see ``LayerFolding.is_large``.
        weight_memory: see ``AccumulatorLane``.
        firing: see ``NeuronGroup``.
        compact: see ``LayerFolding``.

    Members:
        words_0 ...: the map of each connection's source.
        steps, delay: T and t0 of the images under way (``delay`` only with ``scores``).
        spikes: per output pixel, per group, a word of P spikes per step; or
        scores: of an output without neurons.
        accumulating: see ``ConnectionPath``, connection after connection.
    """

    def __init__(
        self,
        network: Network,
        index: int,
        *,
        neurons: int,
        lanes: Sequence[int],
        word_widths: Sequence[int],
        spare_rows: Sequence[int | None],
        row_words: Sequence[bool],
        large: Sequence[bool],
        weight_memory: WeightMemory | None = None,
        firing: int | None = None,
        compact: bool = False,
    ):
        self.connections = [
            ConnectionPath(
                network,
                index,
                number,
                neurons=neurons,
                lanes=lanes[number],
                word_width=word_widths[number],
                spare_rows=spare_rows[number],
                row_words=row_words[number],
                weight_memory=weight_memory,
                compact=compact,
                large=large[number],
            )
            for number in range(len(network.layers[index].connections))
        ]
        self.join = LaneJoin(
            [s.payload.shape().elem_shape for path in self.connections for s in path.sums],
            neurons,
            signed_shape(layer_bounds(network, index).window),
            self.connections[0].unit_layout,
            compact=compact,
        )
        self.group = NeuronGroup(network, index, neurons, firing, compact=compact)
        self.fires = self.group.fires
        #: Most images that its rows, queues and registers hold parts of at once.
        self.images_inside = 2 + max(
            -(-path.geometry.slots // path.geometry.rows) for path in self.connections
        )
        members = {"steps": In(count_shape(network.steps))}
        for number, path in enumerate(self.connections):
            members[f"words_{number}"] = In(path.words.signature.flip())
        members["accumulating"] = Out(sum(len(path.accumulating) for path in self.connections))
        if self.fires:
            members["spikes"] = Out(stream.Signature(neurons))
        else:
            members["delay"] = In(index_shape(network.steps))
            members["scores"] = Out(stream.Signature(vector(self.group.score_shape, neurons)))
        super().__init__(members)

    @property
    def words(self) -> list:
        """The input streams, one for each connection."""
        return [getattr(self, f"words_{number}") for number in range(len(self.connections))]

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.join = join = self.join
        m.submodules.group = group = self.group
        joined = iter(join.lanes)
        for number, path in enumerate(self.connections):
            m.submodules[f"connection{number}"] = path
            wiring.connect(m, wiring.flipped(self.words[number]), path.words)
            m.d.comb += path.steps.eq(self.steps)
            for sums in path.sums:
                wiring.connect(m, sums, next(joined))
        wiring.connect(m, self.connections[0].units, join.units)
        wiring.connect(m, join.joined, group.sums)
        m.d.comb += [
            group.steps.eq(self.steps),
            self.accumulating.eq(Cat(path.accumulating for path in self.connections)),
        ]
        if self.fires:
            wiring.connect(m, group.spikes, wiring.flipped(self.spikes))
        else:
            m.d.comb += group.delay.eq(self.delay)
            wiring.connect(m, group.scores, wiring.flipped(self.scores))
        return m
