"""Integrate-and-fire neurons in ``radix`` coding: the whole input first, then T compares."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Const, Module, Mux, Signal, Value, signed
from amaranth.hdl import Shape
from amaranth.lib import data, stream, wiring
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

    Where they fire signed, one below L is taken by what it lies below: q = floor((L - 1 - v) /
    theta') is found as above and n = -1 - q, which is q with all bits turned. The first word of a
    train is the sign, and whoever reaches that step's threshold has saturated.

    Args:
        parameters: bias, threshold and initial potential of all output channels.
        firing: F, how many fire at once; P where no neurons take turns.
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
        firing: int,
        current_shape: Shape,
        potential: Interval,
        steps: int,
        style: Style = FAST,
    ):
        channels = len(parameters.bias)
        check_range("RadixNeuron", "firing (F)", firing, 1, channels)
        check_range("RadixNeuron", "steps (T)", steps, 1, None)
        self.parameters = parameters
        self.firing = firing
        self.groups = ceil_div(channels, firing)
        self.largest_steps = steps
        self.style = style
        self.reset_less = not style.payload_resets
        self.looks_ahead = steps > 1 and style.path_registers
        if parameters.signed:
            # What lies below L, which is zero or less, is less than what lies below zero.
            potential = Interval.of(potential.low, potential.high, ~potential.low)
        self.potential_shape = signed_shape(potential)
        top = parameters.largest_threshold << (steps - 1)
        self.threshold_shape = signed_shape(Interval(0, top))
        self.rest_shape = signed_shape(potential + Interval(-top, 0))
        super().__init__(
            {
                "currents": In(stream.Signature(CurrentLayout(current_shape, firing, self.groups))),
                "steps": In(count_shape(steps)),
                "spikes": Out(stream.Signature(firing)),
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
            self.firing,
            name="offset",
        )
        threshold = group_constants(
            m, incoming.group, parameters.threshold, self.firing, name="threshold", fill=1
        )
        constants = [offset, threshold, *self._negative_constants(m)]
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
            held = [Signal.like(of_group, reset_less=True) for of_group in constants]
            m.d.comb += [load.eq(prepared & ends & moves_on), self.currents.ready.eq(load)]
            m.d.sync += [
                prepared.eq(self.currents.valid & ~load),
                *(register.eq(known) for register, known in zip(held, constants, strict=True)),
            ]
            constants = held
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
        sign_step = self._sign_step(m, load, fires, steps_left) if parameters.signed else Const(0)

        for neuron in range(self.firing):
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
            given = reached | saturated
            first = incoming.currents[neuron] + constants[0][neuron]
            first_threshold = constants[1][neuron]
            if parameters.signed:
                negative = Signal(name=f"negative_{neuron}", reset_less=self.reset_less)
                given = Mux(sign_step, negative, given ^ negative)
                first, first_threshold, below = self._first_of_signed(m, neuron, constants)
                with m.If(load):
                    m.d.sync += negative.eq(below)
            with m.If(fires):
                m.d.sync += threshold.eq(threshold >> 1)
                with m.If(reached):
                    m.d.sync += potential.eq(rest)
                with m.If(counts):
                    m.d.sync += self.spikes.payload[neuron].eq(given)
                with m.Elif(reached):
                    m.d.sync += saturated.eq(1)
                if parameters.signed:
                    with m.If(reached & sign_step):
                        m.d.sync += saturated.eq(1)
            with m.If(load):
                m.d.sync += [
                    potential.eq(first),
                    threshold.eq(first_threshold << (self.largest_steps - 1)),
                    saturated.eq(0),
                ]
        return m

    def _negative_constants(self, m: Module) -> list[data.View]:
        """What signed neurons need besides where sides differ: L - 1 - b - v(0), and theta'."""
        own = self.parameters
        if own.negative_threshold is None or own.neurons.linear:
            return []
        group = self.currents.payload.group
        below = own.neurons.silent_from - 1 - own.bias - own.initial_potential
        return [
            group_constants(m, group, below, self.firing, name="below", fill=-1),
            group_constants(
                m, group, own.negative_threshold, self.firing, name="negative_threshold", fill=1
            ),
        ]

    def _sign_step(self, m: Module, load: Signal, fires: Signal, steps_left: Signal) -> Signal:
        """Whether this step is the first of the train."""
        sign_step = Signal()
        if not self.looks_ahead:
            m.d.comb += sign_step.eq(steps_left == self.steps)
            return sign_step
        with m.If(load):
            m.d.sync += sign_step.eq(self.steps == self.largest_steps)
        with m.Elif(fires):
            m.d.sync += sign_step.eq(steps_left == self.steps + 1)
        return sign_step

    def _first_of_signed(
        self, m: Module, neuron: int, constants: Sequence[data.View]
    ) -> tuple[Value, Value, Value]:
        """What a neuron begins with: potential or what it lies below L, threshold, and which."""
        offset, threshold, *others = (of_group[neuron] for of_group in constants)
        current = self.currents.payload.currents[neuron]
        total = Signal(self.potential_shape, name=f"total_{neuron}")
        m.d.comb += total.eq(current + offset)
        if not others:
            return Mux(total[-1], ~total, total), threshold, total[-1]
        below, negative_threshold = others
        beyond = Signal(signed(max(len(below), len(current)) + 1), name=f"beyond_{neuron}")
        m.d.comb += beyond.eq(below - current)
        return (
            Mux(beyond[-1], total, beyond),
            Mux(beyond[-1], threshold, negative_threshold),
            ~beyond[-1],
        )
