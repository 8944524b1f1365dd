"""Integrate-and-fire neurons in ``radix`` coding: the whole input first, then T compares."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .current_pool import CurrentLayout
from .neuron_parameters import NeuronParameters, group_constants
from .shapes import count_shape, signed_shape


class RadixNeuron(wiring.Component):
    """P neurons that give n = clip(floor(v / threshold), 0, 2**T - 1) in binary.

    The threshold starts at 2**(T_max - 1) times its value and halves at every step; a neuron that
    reaches one of the steps above T has saturated and then spikes at every step. So an output
    takes T_max cycles, of which the last T give out a spike word each.

    Args:
        parameters: bias, threshold and initial potential of all output channels.
        neurons: P.
        current_shape: shape of an incoming current (a whole train's).
        potential: inclusive range of the potential.
        steps: T_max, the largest T.

    Members:
        steps: T of the images under way.
    """

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        neurons: int,
        current_shape: Shape,
        potential: tuple[int, int],
        steps: int,
    ):
        channels = len(parameters.bias)
        check_range("RadixNeuron", "neurons (P)", neurons, 1, channels)
        check_range("RadixNeuron", "steps (T)", steps, 1, None)
        self.parameters = parameters
        self.neurons = neurons
        self.groups = -(-channels // neurons)
        self.largest_steps = steps
        self.potential_shape = signed_shape(potential)
        top = int(parameters.threshold.max()) << (steps - 1)
        self.threshold_shape = signed_shape((0, top))
        self.rest_shape = signed_shape((potential[0] - top, potential[1]))
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
        steps_left = Signal.like(self.steps)
        firing = Signal()
        counts = Signal()  # this step's spikes are part of the train
        ready = Signal()
        fires = Signal()
        last_step = Signal()
        m.d.comb += [
            firing.eq(steps_left != 0),
            last_step.eq(steps_left == 1),
            counts.eq(steps_left <= self.steps),
            ready.eq(~self.spikes.valid | self.spikes.ready),
            fires.eq(firing & (ready | ~counts)),
            self.currents.ready.eq(~firing | (fires & last_step)),
        ]
        load = Signal()
        m.d.comb += load.eq(self.currents.valid & self.currents.ready)
        with m.If(load):
            m.d.sync += steps_left.eq(self.largest_steps)
        with m.Elif(fires):
            m.d.sync += steps_left.eq(steps_left - 1)
        with m.If(ready):
            m.d.sync += self.spikes.valid.eq(firing & counts)

        for neuron in range(self.neurons):
            potential = Signal(self.potential_shape, name=f"potential_{neuron}")
            threshold = Signal(self.threshold_shape, name=f"threshold_{neuron}_now")
            saturated = Signal(name=f"saturated_{neuron}")
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
