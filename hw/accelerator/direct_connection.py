"""A depthwise connection, whose one lane searches nothing."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import data

from ..design.connection_design import ConnectionDesign
from ..design.synapses import direct_channels
from ..lanes.direct_lane import DirectLane
from .connection import ConnectionPath


class DirectConnection(ConnectionPath):
    """``ConnectionPath`` where each neuron sees one channel of its own, which gates its weight."""

    def __init__(self, design: ConnectionDesign):
        self.channels = direct_channels(
            design.connection, design.neurons, design.layer.out_channels
        )
        lane = DirectLane(
            design.direct_blocks(),
            design.connection.weight_bits,
            design.direct_sums,
            design.weight_memory,
            signed_trains=design.signed_trains,
            doubles=design.step_planes == 1,
        )
        super().__init__(design, [lane])

    def _deal(self, m: Module, slab: data.View, _lane: int, bits: data.View) -> None:
        """Each neuron's own channel of each kernel row."""
        gates = []
        first_channel = self.design.part.first_channel
        for row in range(self.design.slab_rows):
            spikes = slab.bits[row][0][0]
            for neuron, channels in enumerate(self.channels.T):
                places = [first_channel + int(c) if c >= 0 else None for c in channels]
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
