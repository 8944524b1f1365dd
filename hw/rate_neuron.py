"""Integrate-and-fire neurons in ``rate`` coding: accumulate, compare, subtract, every step."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .current_pool import CurrentLayout
from .neuron_parameters import NeuronParameters, group_constants
from .shapes import count_shape, signed_shape


class RateNeuron(wiring.Component):
    """P neurons of DESIGN section 1, one group at a time, a spike word per step.

    Potentials live in P registers: a group runs through all its steps before the next begins.

    Args:
        parameters: bias, threshold and initial potential of all output channels.
        neurons: P.
        current_shape: shape of an incoming current.
        potential: inclusive range of the potential, before and after firing.
        cumulative: currents come as M(t), of which the neuron takes M(t) - M(t-1).
        constant: one current comes per group and holds for all steps (the pixel layer).
        steps: largest T.

    Members:
        steps: T of the images under way, read only where ``constant``.
    """

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        neurons: int,
        current_shape: Shape,
        potential: tuple[int, int],
        cumulative: bool,
        constant: bool,
        steps: int,
    ):
        channels = len(parameters.bias)
        check_range("RateNeuron", "neurons (P)", neurons, 1, channels)
        check_range("RateNeuron", "steps (T)", steps, 1, None)
        self.parameters = parameters
        self.neurons = neurons
        self.groups = -(-channels // neurons)
        largest = int(parameters.threshold.max())
        # Everything is kept less one threshold, so that the sign tells whether to spike.
        self.excess_shape = signed_shape((potential[0] - largest, potential[1]))
        self.state_shape = (
            signed_shape(_range_without_currents(parameters, steps))
            if cumulative
            else self.excess_shape
        )
        self.cumulative = cumulative
        self.constant = constant
        super().__init__(
            {
                "currents": In(
                    stream.Signature(CurrentLayout(current_shape, neurons, self.groups))
                ),
                "steps": In(count_shape(steps)),
                "spikes": Out(stream.Signature(neurons)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        incoming = self.currents.payload
        parameters = self.parameters
        bias_values = parameters.bias.astype(np.int64)
        threshold_values = parameters.threshold.astype(np.int64)
        start_values = parameters.initial_potential - threshold_values
        if self.cumulative:
            start_values = start_values + bias_values
        # A neuron that does not exist starts at zero and stays below its threshold.
        bias, threshold, start = (
            group_constants(m, incoming.group, values, self.neurons, name=name, fill=fill)
            for name, values, fill in (
                ("bias", bias_values, 0),
                ("threshold", threshold_values, 1),
                ("start", start_values, -1),
            )
        )
        if self.cumulative:
            kept = group_constants(
                m, incoming.group, bias_values - threshold_values, self.neurons,
                name="bias_less_threshold", fill=-1,
            )  # fmt: skip
        ready = Signal()
        fires = Signal()
        first_step = Signal()
        m.d.comb += [
            ready.eq(~self.spikes.valid | self.spikes.ready),
            fires.eq(self.currents.valid & ready),
        ]
        if self.constant:
            step = Signal.like(self.steps)
            last_step = Signal()
            m.d.comb += [
                first_step.eq(step == 0),
                last_step.eq(step == self.steps - 1),
                self.currents.ready.eq(ready & last_step),
            ]
            with m.If(fires):
                m.d.sync += step.eq(Mux(last_step, 0, step + 1))
        else:
            m.d.comb += [first_step.eq(incoming.first_step), self.currents.ready.eq(ready)]

        with m.If(ready):
            m.d.sync += self.spikes.valid.eq(self.currents.valid)
        for neuron in range(self.neurons):
            # The potential less a threshold; less M(t) too where currents come accumulated, and
            # then with the coming step's bias.
            state = Signal(self.state_shape, name=f"state_{neuron}")
            before = Signal(self.state_shape, name=f"before_{neuron}")
            excess = Signal(self.excess_shape, name=f"excess_{neuron}")
            spike = Signal(name=f"spike_{neuron}")
            current = incoming.currents[neuron]
            m.d.comb += [
                before.eq(Mux(first_step, start[neuron], state)),
                spike.eq(excess >= 0),
            ]
            if self.cumulative:
                m.d.comb += excess.eq(before + current)
                after = before + Mux(spike, kept[neuron], bias[neuron])
            else:
                m.d.comb += excess.eq(before + (current + bias[neuron]))
                after = excess - Mux(spike, threshold[neuron], 0)
            with m.If(fires):
                m.d.sync += [state.eq(after), self.spikes.payload[neuron].eq(spike)]
        return m


def _range_without_currents(parameters: NeuronParameters, steps: int) -> tuple[int, int]:
    """Range of what is left of the state without currents: start, biases, thresholds fired.

    One bias and one threshold are ahead, see ``RateNeuron``.
    """
    start = parameters.initial_potential.astype(np.int64)
    bias = parameters.bias.astype(np.int64)
    low = start + (steps + 1) * (np.minimum(bias, 0) - parameters.threshold)
    high = start + (steps + 1) * np.maximum(bias, 0)
    return int(low.min()), int(high.max())
