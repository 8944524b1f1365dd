"""A group's currents to fewer neurons than it has: a few channels at a time."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_divisor
from .current_pool import CurrentLayout
from .shapes import index_shape, turn_numbers


class CurrentTurns(wiring.Component):
    """Gives the P currents of a group to F neurons, in P / F turns.

    The incoming group waits until its last turn, so nothing is stored.

    Args:
        shape: of a current.
        neurons: P.
        firing: F, a divisor of P other than P itself.
        groups: of P channels.

    Members:
        currents: of a group.
        turns: currents of one turn; its ``group`` is the number of the group, then that of the
            turn in the lower bits.
    """

    def __init__(self, shape: Shape, *, neurons: int, firing: int, groups: int):
        check_divisor("CurrentTurns", "firing neurons (F)", firing, neurons)
        self.neurons = neurons
        self.firing = firing
        self.count = neurons // firing
        super().__init__(
            {
                "currents": In(stream.Signature(CurrentLayout(shape, neurons, groups))),
                "turns": Out(
                    stream.Signature(
                        CurrentLayout(shape, firing, groups * turn_numbers(self.count))
                    )
                ),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        incoming, outgoing = self.currents.payload, self.turns.payload
        turn = Signal(index_shape(self.count))
        last_turn = Signal()
        m.d.comb += [
            last_turn.eq(turn == self.count - 1),
            self.turns.valid.eq(self.currents.valid),
            self.currents.ready.eq(self.turns.ready & last_turn),
            outgoing.group.eq(Cat(turn, incoming.group)),
            outgoing.first_step.eq(incoming.first_step),
            outgoing.last_step.eq(incoming.last_step),
        ]
        with m.If(self.turns.valid & self.turns.ready):
            m.d.sync += turn.eq(Mux(last_turn, 0, turn + 1))
        with m.Switch(turn):
            for number in range(self.count):
                with m.Case(number):
                    for neuron in range(self.firing):
                        current = incoming.currents[number * self.firing + neuron]
                        m.d.comb += outgoing.currents[neuron].eq(current)
        return m
