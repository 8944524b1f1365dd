"""SumQueue: whatever turn is followed comes out once, in its order, when it is told to."""

from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import Assume, Cover

from rheobase.hw.engine.lanes.sum_queue import SumQueue
from rheobase.sim.prove import Checker


class SumQueueChecker(Checker):
    component: SumQueue

    def state(self, m: Module) -> None:
        queue = self.component
        design = queue.design
        most = design.turns_ahead + design.turns
        sums = Value.cast(queue.sums)
        turns = self.constant(len(queue.turns), "turns_held")
        number = self.constant(len(queue.turns), "number")
        # What TurnJoin counts: turns that have entered and have not been told to leave, which
        # they are in the cycle after.
        known = Signal(range(most + 1))
        takes = self.choice(1, "takes")
        leaves = Signal()
        inside = Signal(range(most + 1))
        m.d.comb += [
            Assume((turns >= design.fewest_turns) & (turns <= design.turns) & (number < turns)),
            Assume(queue.turns == turns),
            Assume(~queue.valid | queue.room),
            Assume(~takes | (known != 0)),
            Assume(queue.leaves == leaves),
        ]
        m.d.sync += [
            known.eq(known + queue.entered - takes),
            leaves.eq(takes),
            inside.eq(inside + Mux(queue.valid, turns, 0) - queue.leaves),
        ]
        self.check(m, "occupancy_bounded", inside <= most)
        self.check(m, "known_are_inside", known <= inside)
        # A lane that is ahead is not held up while there are places.
        self.check(m, "room_while_it_is_empty", queue.room | (inside != 0))

        # A turn of one unit, whichever: its sums and how many turns are in front of it.
        mark = self.choice(1, "mark")
        marked = Signal()
        comes = Signal()
        value = Signal(len(sums))
        ahead = Signal(range(most + 1))
        m.d.comb += comes.eq(marked & leaves & (ahead == 0))
        with m.If(mark & queue.valid & ~marked):
            m.d.sync += [
                marked.eq(1),
                value.eq(Value.cast(queue.complete).word_select(number, len(sums))),
                ahead.eq(inside - queue.leaves + number),
            ]
        with m.Elif(marked & queue.leaves):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        m.d.comb += Cover(comes)
        self.check(m, "in_order_and_unchanged", ~comes | (sums == value))
