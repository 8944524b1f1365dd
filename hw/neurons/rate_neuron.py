"""Integrate-and-fire neurons in ``rate`` coding: accumulate, compare, subtract, every step."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import Shape
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.bounds import Interval
from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..basics.widths import memory_depth, turn_numbers
from ..design.neuron_parameters import NeuronParameters
from ..design.payloads import CurrentLayout, vector
from .group_constants import group_constants


class RateNeuron(wiring.Component):
    """F neurons in ``rate`` (docs/meaning.md), one group at a time, a spike word per step.

    Potentials live in registers, one for each neuron: F neurons run through all steps before the
    next F begin. With ``turns`` those of one group come in that many turns (``CurrentTurns``), and
    where the steps of turns alternate, potentials wait in a memory of a word for each turn.

    Args:
        parameters: bias, threshold and initial potential of all output channels.
        firing: F, how many fire at once; P where no neurons take turns.
        current_shape: shape of an incoming current.
        potential: bounds of the potential, before and after firing.
        cumulative: currents come as M(t), of which the neuron takes M(t) - M(t-1).
        constant: one current comes per group and holds for all steps (the pixel layer).
        steps: largest T.
        turns: groups that take turns; their number is the lower bits of the group's.

    Members:
        steps: in; T of the images under way, read only where ``constant``.
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
        cumulative: bool,
        constant: bool,
        steps: int,
        turns: int = 1,
    ):
        channels = len(parameters.bias)
        check_range("RateNeuron", "firing (F)", firing, 1, channels)
        check_range("RateNeuron", "steps (T)", steps, 1, None)
        check_range("RateNeuron", "turns", turns, 1, None)
        self.turns = turns
        self.parameters = parameters
        self.firing = firing
        self.groups = ceil_div(channels, firing)
        largest = int(parameters.threshold.max())
        # Everything is kept less one threshold, so that the sign tells whether to spike.
        self.excess_shape = signed_shape(potential + Interval(-largest, 0))
        self.bias = parameters.bias.astype(np.int64)
        self.threshold = parameters.threshold.astype(np.int64)
        # A neuron that does not exist starts below its threshold and stays there.
        self.start = parameters.initial_potential.astype(np.int64) - self.threshold + self.bias
        self.absent = -1
        self.state_shape = signed_shape(
            parameters.state_bounds(potential, steps, cumulative=cumulative)
        )
        self.cumulative = cumulative
        self.constant = constant
        # A constant current is given out over all steps before the next turn begins.
        self.in_memory = turns > 1 and not constant
        super().__init__(
            {
                "currents": In(stream.Signature(CurrentLayout(current_shape, firing, self.groups))),
                "steps": In(count_shape(steps)),
                "spikes": Out(stream.Signature(firing)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        ready = Signal()
        before = Signal(vector(self.state_shape, self.firing))
        after = Signal(vector(self.state_shape, self.firing))
        incoming, valid = self.currents.payload, self.currents.valid
        if self.in_memory:
            incoming = Signal.like(self.currents.payload, name="current")
            valid = Signal()
            self._from_memory(m, before, ready)
            with m.If(ready):
                m.d.sync += [valid.eq(self.currents.valid), incoming.eq(self.currents.payload)]
        bias, kept = (
            group_constants(m, incoming.group, values, self.firing, name=name, fill=fill)
            for name, values, fill in (
                ("bias", self.bias, 0),
                ("bias_less_threshold", self.bias - self.threshold, -1),
            )
        )
        fires = Signal()
        m.d.comb += [
            ready.eq(~self.spikes.valid | self.spikes.ready),
            fires.eq(valid & ready),
        ]
        last_step = self._last_step(m, incoming.last_step, ready, fires)
        with m.If(ready):
            m.d.sync += self.spikes.valid.eq(valid)
        for neuron in range(self.firing):
            # The potential with the coming step's bias, less a threshold; less M(t) too where
            # currents come accumulated.
            state = before[neuron]
            excess = Signal(self.excess_shape, name=f"excess_{neuron}")
            spike = Signal(name=f"spike_{neuron}")
            m.d.comb += [
                excess.eq(state + incoming.currents[neuron]),
                spike.eq(excess >= 0),
                after[neuron].eq(
                    (state if self.cumulative else excess) + Mux(spike, kept[neuron], bias[neuron])
                ),
            ]
            with m.If(fires):
                m.d.sync += self.spikes.payload[neuron].eq(spike)
        if self.in_memory:
            self._to_memory(m, incoming.group, after, fires)
        else:
            self._in_registers(m, before, after, fires, last_step)
        return m

    def _last_step(self, m: Module, comes_last: Value, ready: Value, fires: Value) -> Signal:
        """Whether this is the last step; currents are taken as steps end.

        Args:
            comes_last: the current under way says so.
            ready, fires: a step can end in this cycle, and does.
        """
        last_step = Signal()
        if self.constant:
            step = Signal.like(self.steps)
            m.d.comb += [
                last_step.eq(step == self.steps - 1),
                self.currents.ready.eq(ready & last_step),
            ]
            with m.If(fires):
                m.d.sync += step.eq(Mux(last_step, 0, step + 1))
        else:
            m.d.comb += [last_step.eq(comes_last), self.currents.ready.eq(ready)]
        return last_step

    def _in_registers(self, m: Module, before, after, fires: Signal, last_step: Signal) -> None:
        """A state for each neuron; the next group's first one follows the last step."""
        group = self.currents.payload.group
        next_start = group_constants(
            m, group, self._next(self.start), self.firing, name="next_start", fill=self.absent
        )
        for neuron in range(self.firing):
            first = int(self.start[neuron]) if neuron < len(self.start) else self.absent
            state = Signal(self.state_shape, name=f"state_{neuron}", init=first)
            m.d.comb += before[neuron].eq(state)
            with m.If(fires):
                m.d.sync += state.eq(after[neuron])
            # With one group this is the register's reset and costs no logic.
            with m.If(fires & last_step):
                m.d.sync += state.eq(next_start[neuron])

    def _from_memory(self, m: Module, before, ready: Signal) -> None:
        """A word of states for each turn, read into a register; the first step's is new.

        A turn's word is written in the cycle after it is read: there are two turns at least, so it
        is there when that turn comes again.
        """
        incoming = self.currents.payload
        m.submodules.states = states = memory.Memory(
            shape=before.shape(), depth=memory_depth(self.turns), init=[]
        )
        read = states.read_port(domain="comb")
        start = group_constants(
            m, incoming.group, self.start, self.firing, name="start", fill=self.absent
        )
        m.d.comb += read.addr.eq(self._turn(incoming.group))
        with m.If(ready):
            for neuron in range(self.firing):
                m.d.sync += before[neuron].eq(
                    Mux(incoming.first_step, start[neuron], read.data[neuron])
                )

    def _to_memory(self, m: Module, group: Value, after, fires: Value) -> None:
        """The turn's word as it is after a step."""
        write = m.submodules.states.write_port()
        m.d.comb += [write.addr.eq(self._turn(group)), write.data.eq(after), write.en.eq(fires)]

    def _turn(self, group: Value) -> Value:
        """Number of the turn: the lower bits of the group's."""
        return group[: index_shape(self.turns).width]

    def _next(self, values: np.ndarray) -> np.ndarray:
        """``values`` of the next group, after the last those of the first."""
        padded = np.full(self.groups * self.firing, self.absent, np.int64)
        padded[: len(values)] = values
        # Of the numbers that a group's turns could have, those that they do not have are skipped.
        numbers = padded.reshape(-1, turn_numbers(self.turns), self.firing)
        taken = numbers[:, : self.turns]
        numbers[:, : self.turns] = np.roll(taken.reshape(-1, self.firing), -1, axis=0).reshape(
            taken.shape
        )
        return padded
