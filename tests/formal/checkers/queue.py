"""Queue: whatever element is followed on its way through comes out once, in its turn."""

from amaranth import Module, Mux, Signal

from rheobase.hw.basics.queue import Queue
from rheobase.sim.prove import Checker


class QueueChecker(Checker):
    component: Queue

    def state(self, m: Module) -> None:
        queue = self.component
        depth = queue.depth
        self.assume_stream(m, queue.input, "input")
        self.check_stream(m, queue.output, "output")
        comes = Signal()
        goes = Signal()
        inside = Signal(range(depth + 2))
        m.d.comb += [
            comes.eq(queue.input.valid & queue.input.ready),
            goes.eq(queue.output.valid & queue.output.ready),
        ]
        m.d.sync += inside.eq(inside + comes - goes)
        self.check(m, "occupancy_bounded", inside <= depth)
        # Neither side ever waits without need, so no surroundings can bring it to a halt.
        self.check(m, "gives_what_it_has", queue.output.valid == (inside != 0))
        self.check(m, "takes_what_fits", queue.input.ready == (inside != depth))

        # One element, whichever: its value and how many are in front of it.
        mark = self.choice(1, "mark")
        marked = Signal()
        value = Signal(queue.shape)
        ahead = Signal(range(depth + 1))
        with m.If(mark & comes & ~marked):
            m.d.sync += [marked.eq(1), value.eq(queue.input.payload), ahead.eq(inside - goes)]
        with m.Elif(marked & goes):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        self.check(
            m,
            "in_order_and_unchanged",
            ~(marked & (ahead == 0)) | (queue.output.valid & (queue.output.payload == value)),
        )

        if depth == 1:
            self.check(m, "marked_inside", ~marked | (ahead < inside))
        elif depth == 2:
            spare = self.peek("spare", queue.shape)
            spare_valid = self.peek("spare_valid", 1)
            self.check(m, "spare_is_second", spare_valid == (inside == 2))
            self.check(m, "held", ~(marked & (ahead == 1)) | (spare_valid & (spare == value)))
            self.check(m, "marked_inside", ~marked | (ahead < inside))
        else:
            self._ring(m, inside, marked, ahead, value)

    def _ring(self, m: Module, inside: Signal, marked: Signal, ahead: Signal, value: Signal):
        """Where the memory keeps the element that is followed."""
        queue = self.component
        depth = queue.depth
        consume = self.peek("consume", range(depth))
        produce = self.peek("produce", range(depth))
        full = self.peek("full", 1)
        words = [self.peek(f"storage[{i}]", queue.shape) for i in range(depth)]
        level = Signal(range(-depth, 2 * depth))
        m.d.comb += level.eq(produce + Mux(full | (produce < consume), depth, 0) - consume)
        self.check(m, "level", level == inside)
        self.check(m, "pointers_in_range", (consume < depth) & (produce < depth))
        position = consume + ahead
        where = Mux(position >= depth, position - depth, position)
        held = [(where == i) & (word == value) for i, word in enumerate(words)]
        found = held[0]
        for one in held[1:]:
            found = found | one
        self.check(m, "where_it_is_stored", ~marked | ((ahead < level) & found))
