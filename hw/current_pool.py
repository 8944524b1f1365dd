"""Max pooling on currents, as comparators in front of the neuron."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .lane_join import SumLayout
from .payloads import UnitLayout, vector
from .shapes import index_shape


class CurrentLayout(data.StructLayout):
    """A pooled current for each neuron of a group, and the step and group it belongs to."""

    def __init__(self, shape: Shape, neurons: int, groups: int):
        super().__init__(
            {
                "currents": vector(shape, neurons),
                "first_step": 1,
                "last_step": 1,
                "group": index_shape(groups),
            }
        )


class CurrentPool(wiring.Component):
    """The maximum over the positions of each pooled output.

    With ``accumulate`` (pooling rule ``cumulative`` in ``rate``) each position's currents are
    accumulated over the steps first, and what is given out is the maximum of the accumulated
    currents, M(t): the neuron's current is then M(t) - M(t-1). Otherwise it is the maximum of the
    currents themselves.

    Args:
        neurons, groups: P, and groups of P output channels.
        positions: positions of a pooled output.
        sum_shape: shape of an incoming sum.
        pooled_shape: shape that holds the (accumulated) maximum.
    """

    def __init__(
        self,
        *,
        neurons: int,
        groups: int,
        positions: int,
        sum_shape: Shape,
        pooled_shape: Shape,
        accumulate: bool,
    ):
        check_range("CurrentPool", "neurons (P)", neurons, 1, None)
        check_range("CurrentPool", "positions", positions, 1, None)
        self.neurons = neurons
        self.positions = positions
        self.pooled_shape = pooled_shape
        self.accumulate = accumulate
        self.sum_layout = SumLayout(sum_shape, neurons, UnitLayout(positions, groups))
        self.current_layout = CurrentLayout(pooled_shape, neurons, groups)
        super().__init__(
            {
                "sums": In(stream.Signature(self.sum_layout)),
                "pooled": Out(stream.Signature(self.current_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        unit = self.sums.payload.unit
        pooled = self.pooled.payload
        transfer = Signal()
        m.d.comb += [
            self.sums.ready.eq(~self.pooled.valid | self.pooled.ready),
            transfer.eq(self.sums.valid & self.sums.ready),
        ]
        values = self._accumulated(m, transfer) if self.accumulate else self.sums.payload.sums
        with m.If(self.pooled.ready):
            m.d.sync += self.pooled.valid.eq(0)
        with m.If(transfer):
            m.d.sync += [
                self.pooled.valid.eq(unit.last_position),
                pooled.first_step.eq(unit.first_step),
                pooled.last_step.eq(unit.last_step),
                pooled.group.eq(unit.group),
            ]
        # The output register doubles as the running maximum: it is free while one is under way.
        for neuron in range(self.neurons):
            value = values[neuron]
            maximum = pooled.currents[neuron]
            with m.If(transfer & (unit.first_position | (value > maximum))):
                m.d.sync += maximum.eq(value)
        return m

    def _accumulated(self, m: Module, transfer: Signal) -> data.View:
        """Each position's currents, accumulated over the steps up to this one."""
        unit = self.sums.payload.unit
        layout = vector(self.pooled_shape, self.neurons)
        m.submodules.accumulated = storage = memory.Memory(
            shape=layout, depth=self.positions, init=[]
        )
        read = storage.read_port(domain="comb")
        write = storage.write_port()
        values = Signal(layout, name="accumulated")
        m.d.comb += [
            read.addr.eq(unit.position),
            write.addr.eq(unit.position),
            write.en.eq(transfer),
            write.data.eq(values),
        ]
        for neuron in range(self.neurons):
            m.d.comb += values[neuron].eq(
                Mux(unit.first_step, 0, read.data[neuron]) + self.sums.payload.sums[neuron]
            )
        return values
