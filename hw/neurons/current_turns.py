"""A group's currents to fewer neurons than it has: a few channels at a time."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_divisor
from ..basics.shapes import index_shape
from ..basics.widths import turn_numbers
from ..design.payloads import CurrentLayout

#: Turns of which one is selected by a single look-up table or two.
SELECTED_AT_ONCE = 4


class CurrentTurns(wiring.Component):
    """Gives the P currents of a group to F neurons, in P / F turns.

    The incoming group waits until its last turn, so nothing is stored.

    Args:
        shape: of a current.
        neurons: P.
        firing: F, a divisor of P other than P itself.
        groups: of P channels.
        every_other: a turn is given in every other cycle at most, and a selection among many turns
            is made in two.

    Members:
        currents: in, stream; of a group.
        turns: out, stream; currents of one turn; its ``group`` is the number of the group, then
            that of the turn in the lower bits.
    """

    currents: stream.Interface
    turns: stream.Interface

    def __init__(
        self,
        shape: Shape,
        *,
        neurons: int,
        firing: int,
        groups: int,
        every_other: bool = False,
    ):
        check_divisor("CurrentTurns", "firing neurons (F)", firing, neurons)
        self.neurons = neurons
        self.firing = firing
        self.count = neurons // firing
        self.halves = every_other and self.count > SELECTED_AT_ONCE
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
        moves = Signal()
        m.d.comb += [
            last_turn.eq(turn == self.count - 1),
            moves.eq(self.turns.valid & self.turns.ready),
            self.currents.ready.eq(self.turns.ready & last_turn),
            outgoing.group.eq(Cat(turn, incoming.group)),
            outgoing.first_step.eq(incoming.first_step),
            outgoing.last_step.eq(incoming.last_step),
        ]
        with m.If(moves):
            m.d.sync += turn.eq(Mux(last_turn, 0, turn + 1))
        of_turns = [
            [incoming.currents[number * self.firing + neuron] for neuron in range(self.firing)]
            for number in range(self.count)
        ]
        if not self.halves:
            m.d.comb += self.turns.valid.eq(self.currents.valid)
            _select(m.d.comb, m, turn, of_turns, outgoing.currents)
            return m
        # A turn is there a cycle after the group has come or the turn before has gone.
        chosen = Signal()
        m.d.sync += chosen.eq(self.currents.valid & ~moves)
        m.d.comb += [
            self.turns.valid.eq(chosen),
            self.currents.ready.eq(chosen & self.turns.ready & last_turn),
        ]
        low = (len(turn) + 1) // 2
        finalists = []
        for first in range(0, self.count, 1 << low):
            finalist = Signal(
                outgoing.currents.shape(), name=f"finalist_{first >> low}", reset_less=True
            )
            _select(m.d.sync, m, turn[:low], of_turns[first : first + (1 << low)], finalist)
            finalists.append(finalist)
        _select(m.d.comb, m, turn[low:], finalists, outgoing.currents)
        return m


def _select(domain, m: Module, number: Value, choices: Sequence, selected) -> None:
    """``selected`` is the choice of that ``number``; numbers without a choice never come."""
    with m.Switch(number):
        for index, choice in reversed(list(enumerate(choices))):
            with m.Case(index) if index else m.Default():
                domain += [to.eq(current) for to, current in zip(selected, choice, strict=True)]
