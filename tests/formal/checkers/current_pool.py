"""CurrentPool: one current per pooled output and step, the largest of its positions."""

from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import Assume
from amaranth.lib import data
from rheobase.hw.current_pool import CurrentPool
from rheobase.sim.prove import Checker


class CurrentPoolChecker(Checker):
    """Assumes that positions come one after another, each step's from the first to the last."""

    component: CurrentPool

    def state(self, m: Module) -> None:
        pool = self.component
        positions, neurons = pool.positions, pool.neurons
        self.assume_stream(m, pool.sums, "sums")
        self.check_stream(m, pool.pooled, "pooled")
        unit = pool.sums.payload.unit
        pooled = pool.pooled.payload
        comes = Signal()
        goes = Signal()
        position = Signal(range(positions))
        last = Signal()
        m.d.comb += [
            comes.eq(pool.sums.valid & pool.sums.ready),
            goes.eq(pool.pooled.valid & pool.pooled.ready),
            last.eq(position == positions - 1),
            Assume(unit.position == position),
            Assume(unit.first_position == (position == 0)),
            Assume(unit.last_position == last),
        ]
        # The currents of the output under way, accumulated over the steps where the pool does so.
        per_neuron = data.ArrayLayout(pool.pooled_shape, neurons)
        currents = Signal(data.ArrayLayout(per_neuron, positions))
        arrived = Signal(range(positions + 1))
        waiting = Signal()
        tags = Signal(len(Value.cast(unit)))
        with m.If(goes):
            m.d.sync += waiting.eq(0)
        with m.If(comes):
            m.d.sync += [
                position.eq(Mux(last, 0, position + 1)),
                arrived.eq(position + 1),
                waiting.eq(last),
                tags.eq(unit),
            ]
            for neuron in range(neurons):
                before = Mux(unit.first_step, 0, currents[position][neuron])
                base = before if pool.accumulate else 0
                m.d.sync += currents[position][neuron].eq(base + pool.sums.payload.sums[neuron])
        self.check(m, "gives_what_it_has", pool.pooled.valid == waiting)
        if not pool.spaced:
            self.check(m, "takes_what_fits", pool.sums.ready == (~waiting | goes))
        elif not pool.accumulate:
            # Between two outputs there may be a cycle: ready does not run through.
            self.check(m, "takes_what_fits", pool.sums.ready == ~waiting)
        kept = data.View(unit.shape(), tags)
        for tag in ("first_step", "last_step", "group"):
            self.check(m, tag, ~waiting | (pooled[tag] == kept[tag]))
        for neuron in range(neurons):
            one = pooled.currents[neuron]
            occurs = Signal(positions, name=f"occurs_{neuron}")
            for index in range(positions):
                here = index < arrived
                value = currents[index][neuron]
                m.d.comb += occurs[index].eq(here & (one == value))
                self.check(m, f"no_less_{neuron}_{index}", ~here | (one >= value))
            self.check(m, f"one_of_them_{neuron}", (arrived == 0) | occurs.any())
        self.check(m, "position_in_range", position < positions)
        self.check(m, "arrived", (arrived == position) | ((arrived == positions) & (position == 0)))
        self.check(m, "none_waits_half_way", ~waiting | (arrived == positions))
        if pool.accumulate:
            for index in range(positions):
                word = self.peek(f"accumulated[{index}]", len(Value.cast(currents[index])))
                self.check(m, f"accumulated_{index}", word == Value.cast(currents[index]))
