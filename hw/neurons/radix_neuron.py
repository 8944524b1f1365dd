"""Integrate-and-fire neurons in ``radix`` coding: the whole input first, then T compares."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.bounds import Interval
from ..basics.checks import check_range
from ..basics.shapes import count_shape, signed_shape
from ..design.neuron_parameters import NeuronParameters
from ..design.payloads import CurrentLayout
from ..design.style import FAST, Style
from .group_constants import group_constants


class RadixNeuron(wiring.Component):
    """F neurons that give n = clip(floor(v / threshold), 0, 2**T - 1) in binary.

    The threshold starts at 2**(T_max - 1) times its value and halves at every step; a neuron that
    reaches one of the steps above T has saturated and then spikes at every step. So an output
    takes T_max cycles, of which the last T give out a spike word each.

    Args:
        parameters: bias, threshold and initial potential of all output channels.
        neurons: F, how many fire at once; P where no neurons take turns.
        current_shape: shape of an incoming current (a whole train's).
        potential: bounds of the potential.
        steps: T_max, the largest T.
        style: without ``path_registers`` what is known beforehand of the next step and the next
            current is in no register.

    Members:
        steps: in; T of the images under way.
    """

    currents: stream.Interface
    steps: Signal
    spikes: stream.Interface

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        neurons: int,
        current_shape: Shape,
        potential: Interval,
        steps: int,
        style: Style = FAST,
    ):
        channels = len(parameters.bias)
        check_range("RadixNeuron", "neurons (F)", neurons, 1, channels)
        check_range("RadixNeuron", "steps (T)", steps, 1, None)
        self.parameters = parameters
        self.neurons = neurons
        self.groups = ceil_div(channels, neurons)
        self.largest_steps = steps
        self.style = style
        self.reset_less = not style.payload_resets
        self.looks_ahead = steps > 1 and style.path_registers
        self.potential_shape = signed_shape(potential)
        top = int(parameters.threshold.max()) << (steps - 1)
        self.threshold_shape = signed_shape(Interval(0, top))
        self.rest_shape = signed_shape(potential + Interval(-top, 0))
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
        # Bias and initial potential enter once and together.
        offset = group_constants(
            m,
            incoming.group,
            parameters.bias.astype("int64") + parameters.initial_potential,
            self.neurons,
            name="offset",
        )
        first_threshold = group_constants(
            m, incoming.group, parameters.threshold, self.neurons, name="threshold", fill=1
        )
        # With ``looks_ahead`` what the step means is known before it begins: it reaches the
        # registers of all neurons.
        steps_left = Signal.like(self.steps)
        firing = Signal()
        counts = Signal()  # this step's spikes are part of the train
        ends = Signal(init=1)  # this is the last step, or there is none
        moves_on = Signal()
        fires = Signal()
        load = Signal()
        m.d.comb += [
            moves_on.eq(~counts | ~self.spikes.valid | self.spikes.ready),
            fires.eq(firing & moves_on),
        ]
        with m.If(load):
            m.d.sync += steps_left.eq(self.largest_steps)
        with m.Elif(fires):
            m.d.sync += steps_left.eq(steps_left - 1)
        if self.looks_ahead:
            # A current waits at least a step of the one before it, and its constants are looked up.
            prepared = Signal()
            held = [
                Signal.like(constants, reset_less=True) for constants in (offset, first_threshold)
            ]
            m.d.comb += [load.eq(prepared & ends & moves_on), self.currents.ready.eq(load)]
            m.d.sync += [
                prepared.eq(self.currents.valid & ~load),
                held[0].eq(offset),
                held[1].eq(first_threshold),
            ]
            offset, first_threshold = held
            with m.If(load):
                m.d.sync += [
                    firing.eq(1),
                    counts.eq(self.largest_steps <= self.steps),
                    ends.eq(0),
                ]
            with m.Elif(fires):
                m.d.sync += [
                    firing.eq(~ends),
                    counts.eq(~ends & (steps_left <= self.steps + 1)),
                    ends.eq(steps_left <= 2),
                ]
        else:
            m.d.comb += [
                firing.eq(steps_left != 0),
                counts.eq(firing & (steps_left <= self.steps)),
                ends.eq(steps_left <= 1),
                self.currents.ready.eq(ends & moves_on),
                load.eq(self.currents.valid & self.currents.ready),
            ]
        with m.If(~self.spikes.valid | self.spikes.ready):
            m.d.sync += self.spikes.valid.eq(counts)

        for neuron in range(self.neurons):
            potential = Signal(
                self.potential_shape, name=f"potential_{neuron}", reset_less=self.reset_less
            )
            threshold = Signal(
                self.threshold_shape, name=f"threshold_{neuron}_now", reset_less=self.reset_less
            )
            saturated = Signal(name=f"saturated_{neuron}", reset_less=self.reset_less)
            reached = Signal(name=f"reached_{neuron}")
            rest = Signal(self.rest_shape, name=f"rest_{neuron}")
            # One subtraction compares and gives what is left.
            m.d.comb += [rest.eq(potential - threshold), reached.eq(rest >= 0)]
            with m.If(fires):
                m.d.sync += threshold.eq(threshold >> 1)
                with m.If(reached):
                    m.d.sync += potential.eq(rest)
                with m.If(counts):
                    m.d.sync += self.spikes.payload[neuron].eq(reached | saturated)
                with m.Elif(reached):
                    m.d.sync += saturated.eq(1)
            with m.If(load):
                m.d.sync += [
                    potential.eq(incoming.currents[neuron] + offset[neuron]),
                    threshold.eq(first_threshold[neuron] << (self.largest_steps - 1)),
                    saturated.eq(0),
                ]
        return m
