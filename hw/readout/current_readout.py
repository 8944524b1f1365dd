"""Output sums: the last layer's currents in t0 < t <= T, with no neuron."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.bounds import Interval
from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.payloads import CurrentLayout, vector
from ..neurons.group_constants import group_constants


class CurrentReadout(wiring.Component):
    """Sums P channels' currents and biases over the steps and gives the sums at the end.

    Args:
        bias: integers (out channels,).
        neurons: P.
        current_shape: shape of an incoming current.
        bounds: of a sum over any steps.
        steps: largest T.
        constant: one current comes per group and holds for all steps (the pixel layer).
        summed: one current comes per group, the sum of all steps that count.
        whole_train: one current comes per group and is the whole train's (``radix``).

    Members:
        steps, delay: in; T and t0 of the images under way.
        scores: out, stream; sums of one group after another.
    """

    currents: stream.Interface
    steps: Signal
    delay: Signal
    scores: stream.Interface

    def __init__(
        self,
        bias: np.ndarray,
        *,
        neurons: int,
        current_shape: Shape,
        bounds: Interval,
        steps: int,
        constant: bool = False,
        summed: bool = False,
        whole_train: bool = False,
    ):
        check_range("CurrentReadout", "neurons (P)", neurons, 1, len(bias))
        check_range("CurrentReadout", "steps (T)", steps, 1, None)
        self.bias = bias
        self.neurons = neurons
        self.summed = summed
        self.constant = (constant or summed) and not whole_train
        self.whole_train = whole_train
        self.score_shape = signed_shape(bounds)
        groups = ceil_div(len(bias), neurons)
        super().__init__(
            {
                "currents": In(stream.Signature(CurrentLayout(current_shape, neurons, groups))),
                "steps": In(count_shape(steps)),
                "delay": In(index_shape(steps)),
                "scores": Out(stream.Signature(vector(self.score_shape, neurons))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        incoming = self.currents.payload
        bias = group_constants(m, incoming.group, self.bias, self.neurons, name="bias")
        ready = Signal()
        adds = Signal()
        first_step = Signal(init=1)
        last_step = Signal()
        counting = Signal()
        m.d.comb += [
            # Scores are rare: what they wait for does not reach the lanes.
            ready.eq(~self.scores.valid),
            adds.eq(self.currents.valid & ready),
        ]
        if self.whole_train:
            m.d.comb += [
                first_step.eq(1),
                last_step.eq(1),
                counting.eq(1),
                self.currents.ready.eq(ready),
            ]
        else:
            step = Signal.like(self.steps)
            next_step = Signal.like(self.steps)
            m.d.comb += [
                next_step.eq(step),
                self.currents.ready.eq(ready & last_step if self.constant else ready),
            ]
            with m.If(adds):
                m.d.comb += next_step.eq(Mux(last_step, 0, step + 1))
            # Known a cycle before: two additions follow. T and t0 are there before any current.
            m.d.sync += [
                step.eq(next_step),
                first_step.eq(next_step == 0),
                last_step.eq(next_step == self.steps - 1),
                counting.eq(next_step >= self.delay),
            ]
        with m.If(self.scores.ready):
            m.d.sync += self.scores.valid.eq(0)
        with m.If(adds):
            m.d.sync += self.scores.valid.eq(last_step)
        for neuron in range(self.neurons):
            # The output register sums: it is free while a train is under way.
            total = self.scores.payload[neuron]
            before = Signal(self.score_shape, name=f"sum_before_{neuron}")
            current = incoming.currents[neuron]
            if self.summed:
                current = Mux(last_step, current, 0)
            current = current + bias[neuron]
            m.d.comb += before.eq(Mux(first_step, 0, total))
            with m.If(adds):
                m.d.sync += total.eq(before + Mux(counting, current, 0))
        return m
