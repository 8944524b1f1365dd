"""CurrentPool: one current per pooled output and step, the largest of its positions."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.hdl import Assume
from amaranth.lib import data

from rheobase.hw.basics.select import lowest
from rheobase.hw.neurons.current_pool import CurrentPool
from rheobase.sim.prove import Checker


class CurrentPoolChecker(Checker):
    """Assumes that each step's positions come in order: any but none, as padding hides some.

    Where currents are accumulated, they are the same at all steps of an output, and the first
    output begins at its first step.
    """

    component: CurrentPool

    def state(self, m: Module) -> None:
        pool = self.component
        positions = pool.positions
        self.assume_stream(m, pool.sums, "sums")
        self.check_stream(m, pool.pooled, "pooled")
        unit = pool.sums.payload.unit

        # What came: the positions of the output under way, and those of them that this step had.
        visits = Signal(positions)
        seen = Signal(positions)
        chosen = self.choice(positions, "chosen")
        comes = Signal()
        begins = Signal()
        mask = Signal(positions)
        rest = Signal(positions)
        select = Signal(positions)
        m.d.comb += [
            comes.eq(pool.sums.valid & pool.sums.ready),
            begins.eq(seen == visits),
            mask.eq(Mux(begins & (unit.first_step | (not pool.accumulate)), chosen, visits)),
            rest.eq(Mux(begins, mask, mask & ~seen)),
            select.eq(lowest(rest)),
        ]
        with m.If(pool.sums.valid):
            m.d.comb += [
                Assume(rest.any()),
                Assume(_bit(unit.position, positions) == select),
                Assume(unit.position < positions),
                Assume(unit.first_position == begins),
                Assume(unit.last_position == (rest == select)),
            ]
        with m.If(comes):
            m.d.sync += [visits.eq(mask), seen.eq(Mux(begins, 0, seen) | select)]
        later = Signal(positions)
        m.d.comb += later.eq(visits & ~seen)
        self.check(m, "came_are_visited", (seen & ~visits) == 0)
        self.check(m, "some_came", (seen != 0) | (visits == 0))
        self.check(m, "came_are_first", (later == 0) | (lowest(later) > seen))

        # The output register: full from an output's last position until it is taken; ready does
        # not run through, and a cycle passes before the next.
        waiting = Signal()
        goes = Signal()
        room = Signal()
        m.d.comb += [goes.eq(pool.pooled.valid & pool.pooled.ready), room.eq(~waiting)]
        with m.If(goes):
            m.d.sync += waiting.eq(0)
        self.check(m, "gives_what_it_has", pool.pooled.valid == waiting)

        # What the output register takes, and the currents there, accumulated where they are.
        per_neuron = data.ArrayLayout(pool.pooled_shape, pool.neurons)
        currents = Signal(data.ArrayLayout(per_neuron, positions))
        arriving = Signal(pool.sum_layout)
        arrives = Signal()
        arrived = Signal(positions)
        wanted = Signal(positions)
        tags = Signal(unit.shape())
        if pool.accumulate:
            staged = self._stage(m, comes, room, arriving, currents)
            m.d.comb += arrives.eq(staged & room)
            self._check_order(m, staged, arriving.unit, seen, visits, arrived, wanted)
        else:
            m.d.comb += [arriving.eq(pool.sums.payload), arrives.eq(comes)]
            self.check(m, "takes_what_fits", pool.sums.ready == room)
            self.check(m, "arrived_as_seen", (arrived == seen) & (wanted == visits))
        with m.If(arrives):
            here = _bit(arriving.unit.position, positions)
            m.d.sync += [
                arrived.eq(Mux(arriving.unit.first_position, 0, arrived) | here),
                wanted.eq(visits if pool.accumulate else mask),
                waiting.eq(arriving.unit.last_position),
                tags.eq(arriving.unit),
            ]
            for neuron in range(pool.neurons):
                current = self._before(arriving.unit, currents)[neuron] + arriving.sums[neuron]
                m.d.sync += currents[arriving.unit.position][neuron].eq(current)

        pooled = pool.pooled.payload
        self.check(m, "none_waits_half_way", ~waiting | (arrived == wanted))
        for tag in ("first_step", "last_step", "group"):
            self.check(m, tag, ~waiting | (pooled[tag] == tags[tag]))
        # The running maximum; of one position there is none, and the register holds anything.
        nothing = ~waiting if pool.positions == 1 else arrived == 0
        for neuron in range(pool.neurons):
            one = pooled.currents[neuron]
            occurs = Signal(positions, name=f"occurs_{neuron}")
            for index in range(positions):
                value = currents[index][neuron]
                m.d.comb += occurs[index].eq(arrived[index] & (one == value))
                self.check(
                    m, f"no_less_{neuron}_{index}", nothing | ~arrived[index] | (one >= value)
                )
            self.check(m, f"one_of_them_{neuron}", nothing | occurs.any())

    def _before(self, unit, currents) -> list[Value]:
        """What is accumulated, per neuron, at ``unit``'s position up to the step before."""
        if not self.component.accumulate:
            return [Const(0)] * self.component.neurons
        return [Mux(unit.first_step, 0, current) for current in currents[unit.position]]

    def _stage(self, m: Module, comes, room, staged_unit, currents) -> Signal:
        """The place of a unit, ``staged_unit``, whose currents are accumulated; whether it is full.

        What stands in it, and in the memory, follows from what came and what left.
        """
        pool = self.component
        staged = Signal()
        kept = Signal(pool.sum_layout)
        m.d.comb += staged_unit.eq(kept)
        with m.If(room):
            m.d.sync += staged.eq(0)
        with m.If(comes):
            m.d.sync += [staged.eq(1), kept.eq(pool.sums.payload)]
        self.check(m, "takes_what_fits", pool.sums.ready == ~staged)
        self.check(m, "stage_full", self.peek("valid", 1) == staged)
        for name, expected in (("unit", kept.unit), ("sums", kept.sums)):
            found = self.peek(name, len(Value.cast(expected)))
            self.check(m, f"stage_{name}", ~staged | (found == Value.cast(expected)))
        before = self.peek("before", len(Value.cast(currents[0])))
        expected = Cat(
            Value.cast(value)[: len(currents[0][0])] for value in self._before(kept.unit, currents)
        )
        self.check(m, "stage_before", ~staged | (before == expected))
        for index in range(pool.positions):
            word = self.peek(f"accumulated[{index}]", len(before))
            self.check(m, f"accumulated_{index}", word == Value.cast(currents[index]))
        return staged

    def _check_order(self, m: Module, staged, unit, seen, visits, arrived, wanted) -> None:
        """The output register has had what came, but for the unit on its way."""
        here = Signal(len(seen))
        m.d.comb += here.eq(_bit(unit.position, len(seen)))
        others = Mux(staged & unit.first_position, 0, arrived)
        own = Mux(staged, here, 0)
        self.check(m, "arrived_as_seen", ((others | own) == seen) & ((others & own) == 0))
        starts = staged & unit.first_position & unit.first_step
        self.check(m, "wanted_as_visited", starts | (wanted == visits))
        self.check(
            m,
            "stage_is_latest",
            ~staged
            | (
                (unit.position < len(seen))
                & ((seen >> unit.position) == 1)
                & (unit.first_position == (seen == here))
                & (unit.last_position == (seen == visits))
            ),
        )


def _bit(index: Value, count: int) -> Value:
    """``count`` bits, of which the one at ``index`` is set."""
    return (Const(1) << index)[:count]
