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
        self.state_shape = signed_shape(
            _range_without_currents(parameters, steps) if cumulative else potential
        )
        self.potential_shape = signed_shape(potential)
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
        constants = {
            name: group_constants(m, incoming.group, values, self.neurons, name=name, fill=fill)
            for name, values, fill in (
                ("bias", parameters.bias, 0),
                # A neuron that does not exist starts at zero and stays below its threshold.
                ("threshold", parameters.threshold, 1),
                ("initial_potential", parameters.initial_potential, 0),
            )
        }
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
            # ``state`` is the potential, less M(t) where currents come accumulated.
            state = Signal(self.state_shape, name=f"state_{neuron}")
            start = Signal(self.state_shape, name=f"start_{neuron}")
            charged = Signal(self.state_shape, name=f"charged_{neuron}")
            potential = Signal(self.potential_shape, name=f"potential_{neuron}")
            spike = Signal(name=f"spike_{neuron}")
            bias = constants["bias"][neuron]
            threshold = constants["threshold"][neuron]
            current = incoming.currents[neuron]
            m.d.comb += [
                start.eq(Mux(first_step, constants["initial_potential"][neuron], state)),
                spike.eq(potential >= threshold),
            ]
            if self.cumulative:
                m.d.comb += [charged.eq(start + bias), potential.eq(charged + current)]
            else:
                m.d.comb += [potential.eq(start + bias + current), charged.eq(potential)]
            with m.If(fires):
                m.d.sync += [
                    state.eq(charged - Mux(spike, threshold, 0)),
                    self.spikes.payload[neuron].eq(spike),
                ]
        return m


def _range_without_currents(parameters: NeuronParameters, steps: int) -> tuple[int, int]:
    """Range of the potential less all currents: the start, biases, and thresholds fired."""
    start = parameters.initial_potential.astype(np.int64)
    bias = parameters.bias.astype(np.int64)
    low = start + steps * (np.minimum(bias, 0) - parameters.threshold)
    high = start + steps * np.maximum(bias, 0)
    return int(low.min()), int(high.max())
