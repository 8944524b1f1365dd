"""Complete sums that wait for those of the other lanes."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ...basics.shapes import count_shape, index_shape
from ...folded.selectors import CHOICES, Selectors
from ..design import EngineDesign
from ..layouts import sums_layout, turn_sums_layout


class SumQueue(wiring.Component):
    """P sums of a unit, F of them at a time into a queue.

    ::

        complete -> held -> F of P -> queue -> sums

    Lanes have different numbers of events in a unit. One that is ahead goes on until
    ``turns_ahead`` turns wait here, so it waits for the others less often. Nobody asks for what is
    there and takes it in the same cycle: whoever is far away counts the turns that enter.

    Members:
        valid, complete: in; P sums that are complete; only where there is ``room``.
        room: out.
        turns: in; of a unit, stable while any is here.
        entered: out; a turn entered in the cycle before.
        leaves: in; the oldest turn goes; only where one has entered.
        sums: out; F sums, of the turn that left in the cycle before.
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
        layout = turn_sums_layout(design)
        m.submodules.queue = queue = Queue(layout, design.turns_ahead)
        held = Signal(sums_layout(design), reset_less=True)
        full = Signal()
        turn = Signal(index_shape(design.turns))
        last_turn = Signal()
        enters = Signal()
        m.d.comb += [
            enters.eq(full & queue.input.ready),
            last_turn.eq(turn == self.turns - 1),
            self.room.eq(~full | (queue.input.ready & last_turn)),
            queue.input.valid.eq(full),
            Value.cast(queue.input.payload).eq(self._selected(m, held, turn)),
            queue.output.ready.eq(self.leaves),
        ]
        with m.If(enters):
            m.d.sync += turn.eq(Mux(last_turn, 0, turn + 1))
        with m.If(self.valid):
            m.d.sync += held.eq(self.complete)
        left = Signal(layout, reset_less=True)
        m.d.sync += [
            full.eq(self.valid | (full & ~(enters & last_turn))),
            self.entered.eq(enters),
            left.eq(queue.output.payload),
        ]
        m.d.comb += self.sums.eq(left)
        return m

    def _selected(self, m: Module, held: Signal, turn: Signal) -> Value:
        """The F sums of ``turn``."""
        size = turn_sums_layout(self.design).size
        sums = Value.cast(held)
        if self.design.turns != CHOICES:
            return sums.word_select(turn, size)
        m.submodules.selectors = selectors = Selectors(size)
        m.d.comb += [Value.cast(selectors.choices).eq(sums), selectors.select.eq(turn)]
        return selectors.chosen
