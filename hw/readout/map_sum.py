"""Sums of trains to sums of whole maps."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..design.payloads import CurrentLayout, MapUnitLayout, SumLayout


class MapSum(wiring.Component):
    """Adds up the sums of an image, neuron by neuron, and gives them out at its end.

    Args:
        neurons: P.
        sum_shape: shape of an incoming sum.
        total_shape: shape that holds the total of an image.

    Members:
        sums: in, stream of ``SumLayout``; those of an image.
        currents: out, stream of ``CurrentLayout``; one for each image.
    """

    sums: stream.Interface
    currents: stream.Interface

    def __init__(self, neurons: int, sum_shape: Shape, total_shape: Shape):
        check_range("MapSum", "neurons (P)", neurons, 1, None)
        self.neurons = neurons
        self.total_shape = total_shape
        self.sum_layout = SumLayout(sum_shape, neurons, MapUnitLayout())
        self.current_layout = CurrentLayout(total_shape, neurons, 1)
        super().__init__(
            {
                "sums": In(stream.Signature(self.sum_layout)),
                "currents": Out(stream.Signature(self.current_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        first = Signal(init=1)
        transfer = Signal()
        last = self.sums.payload.unit.last
        m.d.comb += [
            self.sums.ready.eq(~self.currents.valid | self.currents.ready),
            transfer.eq(self.sums.valid & self.sums.ready),
            self.currents.payload.first_step.eq(1),
            self.currents.payload.last_step.eq(1),
        ]
        with m.If(self.currents.ready):
            m.d.sync += self.currents.valid.eq(0)
        with m.If(transfer):
            m.d.sync += [first.eq(last), self.currents.valid.eq(last)]
        for neuron in range(self.neurons):
            # The output register sums: it is free while an image is under way.
            total = self.currents.payload.currents[neuron]
            before = Signal(self.total_shape, name=f"before_{neuron}")
            m.d.comb += before.eq(Mux(first, 0, total))
            with m.If(transfer):
                m.d.sync += total.eq(before + self.sums.payload.sums[neuron])
        return m
