"""Neurons that fire signed in ``rate`` coding: each step first downwards, then upwards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.hdl import Shape

from ...golden.errors import RheobaseError
from ...golden.network.bounds import Interval
from ..basics.shapes import signed_shape
from ..design.neuron_parameters import NeuronParameters
from ..design.payloads import vector
from .group_constants import group_constants
from .rate_neuron import RateNeuron


class SignedRateNeuron(RateNeuron):
    """``RateNeuron`` that fires signed: two words a step, negative spikes, then positive ones.

    A neuron spikes at neither potential of a range that is D wide and depends on its net count N:
    theta where N > 0, theta - L where N = 0, theta' where N < 0. Its potential is kept less that
    range's lower end for the first half of a step, less its upper end for the second, so that the
    sign tells whether to spike. Going from the one to the other takes D, and so does a spike, the
    other way: who spikes stays where it is. After a spike in the first half there is none in the
    second.

    The parameters are those of a ``RateNeuron``. Where both sides are alike, N is not kept.

    Members:
        spikes: out; per step a word of the neurons with a spike of -1, and one of those with 1.
    """

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        firing: int,
        current_shape: Shape,
        potential: Interval,
        cumulative: bool,
        constant: bool,
        steps: int,
        turns: int = 1,
    ):
        super().__init__(
            parameters,
            firing=firing,
            current_shape=current_shape,
            potential=potential,
            cumulative=cumulative,
            constant=constant,
            steps=steps,
            turns=turns,
        )
        negative = parameters.negative_threshold
        if negative is None:
            raise RheobaseError(
                "SignedRateNeuron: negative_threshold is None, must be integers (out channels,)"
            )
        silent_from = parameters.neurons.silent_from
        self.rest_shape = self.state_shape
        self.excess_shape = signed_shape(potential + parameters.less_silent_ends)
        self.net_bits = parameters.net_bits(steps)
        #: D by the sign of N: positive, zero, negative; one where all are the same.
        self.silent_widths = [self.threshold]
        if self.net_bits:
            self.silent_widths += [self.threshold - silent_from, negative.astype(np.int64)]
        # A state is N above what is left of the potential. One of a neuron that does not exist
        # lies in its range of width 1 and stays there.
        rest = parameters.initial_potential.astype(np.int64) + self.bias - silent_from
        self.start = rest % (1 << self.rest_shape.width)
        self.absent = 0
        self.state_shape = unsigned(self.rest_shape.width + self.net_bits)

    def elaborate(self, platform) -> Module:
        m = Module()
        ready = Signal()
        fires = Signal()
        rises = Signal()  # the step's second half
        ends = Signal()  # a step can
        before = Signal(vector(self.state_shape, self.firing))
        after = Signal(vector(self.state_shape, self.firing))
        incoming, valid = self.currents.payload, self.currents.valid
        m.d.comb += ends.eq(ready & rises)
        if self.in_memory:
            incoming = Signal.like(self.currents.payload, name="current")
            valid = Signal()
            m.d.comb += ends.eq(ready & (rises | ~valid))
            self._from_memory(m, before, ends)
            with m.If(ends):
                m.d.sync += [valid.eq(self.currents.valid), incoming.eq(self.currents.payload)]
            with m.If(fires & ~rises):
                m.d.sync += before.eq(after)
        bias = group_constants(m, incoming.group, self.bias, self.firing, name="bias")
        to_upper, to_lower = (
            [
                group_constants(
                    m, incoming.group, values, self.firing, name=f"{name}_{sign}", fill=fill
                )
                for sign, values in enumerate(of_signs)
            ]
            for name, of_signs, fill in (
                ("to_upper", [-width for width in self.silent_widths], -1),
                ("to_lower", [self.bias + width for width in self.silent_widths], 1),
            )
        )
        m.d.comb += [
            ready.eq(~self.spikes.valid | self.spikes.ready),
            fires.eq(valid & ready),
        ]
        last_step = self._last_step(m, incoming.last_step, ends, fires & rises)
        with m.If(ready):
            m.d.sync += self.spikes.valid.eq(valid)
        with m.If(fires):
            m.d.sync += rises.eq(~rises)
        for neuron in range(self.firing):
            rest = before[neuron][: self.rest_shape.width].as_signed()
            net = before[neuron][self.rest_shape.width :]
            current = incoming.currents[neuron]
            if not self.cumulative:
                # What has come lies in the state from the first half on.
                current = Mux(rises, 0, current)
            excess = Signal(self.excess_shape, name=f"excess_{neuron}")
            spike = Signal(name=f"spike_{neuron}")
            moved = Signal(self.rest_shape, name=f"moved_{neuron}")
            upper, lower = (
                self._by_sign(net, [of_sign[neuron] for of_sign in of_signs])
                for of_signs in (to_upper, to_lower)
            )
            counted = (net + Mux(spike, Mux(rises, 1, -1), 0))[: self.net_bits]
            m.d.comb += [
                excess.eq(rest + current),
                spike.eq(excess[-1] ^ rises),
                moved.eq(
                    (rest if self.cumulative else excess)
                    + Mux(rises, Mux(spike, bias[neuron], lower), Mux(spike, 0, upper))
                ),
                after[neuron].eq(Cat(moved, counted) if self.net_bits else moved),
            ]
            with m.If(fires):
                m.d.sync += self.spikes.payload[neuron].eq(spike)
        if self.in_memory:
            self._to_memory(m, incoming.group, after, fires & rises)
        else:
            self._in_registers(m, before, after, fires, last_step & rises)
        return m

    def _by_sign(self, net: Value, choices: Sequence[Value]) -> Value:
        """The choice of those for a positive, a zero and a negative N."""
        if not self.net_bits:
            return choices[0]
        above, at_zero, below = choices
        return Mux(net[-1], below, Mux(net.any(), above, at_zero))
