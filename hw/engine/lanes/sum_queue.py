"""Complete sums that wait for those of the other lanes."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import count_shape, index_shape
from ..design import EngineDesign
from ..layouts import sums_layout, turn_sums_layout

#: Places that a turn moves along while it becomes known that it is there: a register of
#: ``entered``, one of whoever counts it, and one of ``leaves``.
KNOWN_AHEAD = 3


class SumQueue(wiring.Component):
    """P sums of a unit, F of them at a time along places of registers.

    ::

        complete -> held, F of P at its end -> place 0 -> place 1 -> ... -> sums

    Lanes have different numbers of events in a unit. One that is ahead goes on until
    ``turns_ahead`` turns wait here, so it waits for the others less often. A place takes what the
    one before it has, so registers are all that it costs. Nobody asks for what is there and takes
    it in the same cycle: whoever is far away counts the turns that have entered the last places.

    Members:
        valid, complete: in; P sums that are complete; only where there is ``room``.
        room: out, from a register.
        turns: in; of a unit, from ``fewest_turns`` of the design on, stable while any is here.
        entered: out; a turn may leave two cycles from now, or later.
        leaves: in; the oldest turn goes; only where one may.
        sums: out; F sums, of the turn that leaves.
    """

    valid: Signal
    room: Signal
    turns: Signal
    entered: Signal
    leaves: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        super().__init__(
            {
                "valid": In(1),
                "complete": In(sums_layout(design)),
                "room": Out(1),
                "turns": In(count_shape(design.turns)),
                "entered": Out(1),
                "leaves": In(1),
                "sums": Out(turn_sums_layout(design)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        held = Signal(sums_layout(design), reset_less=True)
        holds, holds_next = Signal(), Signal()
        turn = Signal(index_shape(design.turns))
        # A register: whether the turns of a unit come to an end.
        last_turn = Signal(init=design.turns == 1)
        last_turn_next = Signal()
        places = design.turns_ahead
        full, full_next, free = Signal(places), Signal(places), Signal(places)
        moves = Signal()
        m.d.comb += [
            # A place is free where one behind it is empty, or the last turn leaves.
            *(free[place].eq(self.leaves | ~full[place:].all()) for place in range(places)),
            moves.eq(holds & free[0]),
            holds_next.eq(self.valid | (holds & ~(moves & last_turn))),
            last_turn_next.eq(last_turn),
        ]
        # A register too, as all of the lane's sums wait for it: no logic is in front. That the
        # last turn leaves comes late: where all places are full, no unit counts on it.
        room = Signal(init=1)
        m.d.comb += self.room.eq(room)
        m.d.sync += [
            holds.eq(holds_next),
            last_turn.eq(last_turn_next),
            full.eq(full_next),
            room.eq(~holds_next | (last_turn_next & ~full_next.all())),
        ]
        size = turn_sums_layout(design).size
        waiting = Value.cast(held)
        with m.If(self.valid | moves):
            # Turns come by, the next one a step nearer: no wire crosses the lane to be chosen.
            m.d.sync += waiting.eq(Mux(self.valid, Value.cast(self.complete), waiting >> size))
        with m.If(moves):
            m.d.sync += turn.eq(Mux(last_turn, 0, turn + 1))
            if design.turns > 1:
                m.d.comb += last_turn_next.eq(~last_turn & (turn + 2 == self.turns))

        before, comes = waiting[:size], holds
        for place in range(places):
            waits = Signal(turn_sums_layout(design), name=f"place_{place}", reset_less=True)
            m.d.comb += full_next[place].eq(Mux(free[place], comes, full[place]))
            with m.If(free[place]):
                m.d.sync += Value.cast(waits).eq(before)
            if place == max(0, places - KNOWN_AHEAD):
                m.d.sync += self.entered.eq(comes & free[place])
            before, comes = Value.cast(waits), full[place]
        m.d.comb += Value.cast(self.sums).eq(before)
        return m
