"""Output counter: the last layer's spikes in t0 < t <= T."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.layer_design import count_bounds
from ..design.payloads import vector


class CountReadout(wiring.Component):
    """Counts P neurons' spike words over a train and gives the counts at its end.

    In ``radix`` a spike at step t counts 2**(T - t), so the count is the number that the train
    spells, and ``delay`` is not read.

    Members:
        steps, delay: in; T and t0 of the images under way.
        scores: out, stream; counts of one group after another.
    """

    spikes: stream.Interface
    steps: Signal
    delay: Signal
    scores: stream.Interface

    def __init__(self, neurons: int, steps: int, *, radix: bool):
        check_range("CountReadout", "neurons (P)", neurons, 1, None)
        check_range("CountReadout", "steps (T)", steps, 1, None)
        self.neurons = neurons
        self.radix = radix
        self.score_shape = signed_shape(count_bounds(steps, radix=radix))
        super().__init__(
            {
                "spikes": In(stream.Signature(neurons)),
                "steps": In(count_shape(steps)),
                "delay": In(index_shape(steps)),
                "scores": Out(stream.Signature(vector(self.score_shape, neurons))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        step = Signal.like(self.steps)
        last_step = Signal()
        counting = Signal()
        transfer = Signal()
        m.d.comb += [
            last_step.eq(step == self.steps - 1),
            counting.eq(1 if self.radix else step >= self.delay),
            self.spikes.ready.eq(~self.scores.valid | self.scores.ready),
            transfer.eq(self.spikes.valid & self.spikes.ready),
        ]
        with m.If(self.scores.ready):
            m.d.sync += self.scores.valid.eq(0)
        with m.If(transfer):
            m.d.sync += [
                step.eq(Mux(last_step, 0, step + 1)),
                self.scores.valid.eq(last_step),
            ]
        for neuron in range(self.neurons):
            # The output register counts: it is free while a train is under way.
            count = self.scores.payload[neuron]
            before = Signal(self.score_shape, name=f"count_before_{neuron}")
            m.d.comb += before.eq(Mux(step == 0, 0, count))
            spike = self.spikes.payload[neuron] & counting
            with m.If(transfer):
                m.d.sync += count.eq((before << 1 if self.radix else before) + spike)
        return m
