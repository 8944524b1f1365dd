"""Max pooling on currents, as comparators in front of the neuron."""

from __future__ import annotations

from amaranth import Module, Signal, signed
from amaranth.hdl import Shape
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.payload_register import payload_register
from ..design.payloads import CurrentLayout, SumLayout, UnitLayout, vector
from ..design.style import FAST, Style


class CurrentPool(wiring.Component):
    """The maximum over the positions of each pooled output.

    With ``accumulate`` (pooling rule ``cumulative`` in ``rate``) each position's currents are
    accumulated over the steps first, and what is given out is the maximum of the accumulated
    currents, M(t): the neuron's current is then M(t) - M(t-1). Otherwise it is the maximum of the
    currents themselves. Units are taken every other cycle at most, as ``LaneJoin`` gives them, so
    that what the neurons are ready for does not reach the lanes.

    Args:
        neurons, groups: P, and groups of P output channels.
        positions: positions of a pooled output.
        sum_shape: shape of an incoming sum.
        pooled_shape: shape that holds the (accumulated) maximum.
        style: whether registers have a reset.

    Members:
        sums: in, stream of ``SumLayout``; windows of one output after another.
        pooled: out, stream of ``CurrentLayout``; one for each pooled output and step.
    """

    sums: stream.Interface
    pooled: stream.Interface

    def __init__(
        self,
        *,
        neurons: int,
        groups: int,
        positions: int,
        sum_shape: Shape,
        pooled_shape: Shape,
        accumulate: bool,
        style: Style = FAST,
    ):
        check_range("CurrentPool", "neurons (P)", neurons, 1, None)
        check_range("CurrentPool", "positions", positions, 1, None)
        self.neurons = neurons
        self.reset_less = not style.payload_resets
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
        empty = Signal()
        m.d.comb += empty.eq(~self.pooled.valid)
        if self.accumulate:
            valid, unit, values = self._accumulated(m, empty)
        else:
            m.d.comb += self.sums.ready.eq(empty)
            valid, unit, values = self.sums.valid, self.sums.payload.unit, self.sums.payload.sums
        pooled = payload_register(m, self.pooled.payload, "held", reset_less=self.reset_less)
        with m.If(empty):
            # The payload also where nothing comes, which is known later.
            m.d.sync += [
                self.pooled.valid.eq(valid & unit.last_position),
                pooled.first_step.eq(unit.first_step),
                pooled.last_step.eq(unit.last_step),
                pooled.group.eq(unit.group),
            ]
        with m.Else():
            m.d.sync += self.pooled.valid.eq(~self.pooled.ready)
        # The output register doubles as the running maximum: it is free while one is under way.
        for neuron in range(self.neurons):
            maximum = pooled.currents[neuron]
            if self.positions == 1:
                with m.If(empty):
                    m.d.sync += maximum.eq(values[neuron])
                continue
            # The sign of a difference: a comparison costs tools a test for equality as well.
            rest = Signal(signed(len(maximum) + 1), name=f"rest_{neuron}")
            m.d.comb += rest.eq(maximum - values[neuron])
            with m.If(valid & empty & (unit.first_position | rest[-1])):
                m.d.sync += maximum.eq(values[neuron])
        return m

    def _accumulated(self, m: Module, empty: Signal) -> tuple[Signal, data.View, data.View]:
        """Each position's currents, accumulated over the steps up to this one.

        A unit takes two cycles, a memory read and an addition; a register is in between, whose
        reset makes the zeros of the first step.
        """
        layout = vector(self.pooled_shape, self.neurons)
        m.submodules.accumulated = storage = memory.Memory(
            shape=layout, depth=self.positions, init=[]
        )
        read = storage.read_port(domain="comb")
        write = storage.write_port()
        incoming = self.sums.payload.unit
        valid = Signal()
        unit = Signal.like(incoming, reset_less=self.reset_less)
        sums = Signal.like(self.sums.payload.sums, reset_less=self.reset_less)
        before = Signal(layout, reset_less=self.reset_less)
        values = Signal(layout, name="accumulated")
        m.d.comb += [
            read.addr.eq(incoming.position),
            self.sums.ready.eq(~valid),
            write.addr.eq(unit.position),
            write.en.eq(valid & empty),
            write.data.eq(values),
        ]
        with m.If(valid):
            m.d.sync += valid.eq(~empty)
        with m.Else():
            # The payload also where nothing is taken, which comes late to the registers of P
            # currents.
            m.d.sync += [
                valid.eq(self.sums.valid),
                unit.eq(incoming),
                sums.eq(self.sums.payload.sums),
                before.eq(read.data),
            ]
            with m.If(incoming.first_step):
                m.d.sync += before.eq(0)
        for neuron in range(self.neurons):
            m.d.comb += values[neuron].eq(before[neuron] + sums[neuron])
        return valid, unit, values
