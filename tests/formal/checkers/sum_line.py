"""SumLine: whatever unit is followed on its way along the places comes out once, in its turn."""

from amaranth import Cat, Const, Module, Signal, Value
from amaranth.hdl import Assume

from rheobase.hw.engine.lanes.sum_line import SumLine
from rheobase.sim.prove import Checker


class SumLineChecker(Checker):
    component: SumLine

    def state(self, m: Module) -> None:
        line = self.component
        places = line.design.sums_ahead
        sums = Value.cast(line.sums.payload)
        m.d.comb += Assume(~line.valid | line.room)
        self.check_stream(m, line.sums, "sums")
        goes = Signal()
        inside = Signal(range(places + 2))
        foretold = Signal()
        m.d.comb += goes.eq(line.sums.valid & line.sums.ready)
        m.d.sync += [inside.eq(inside + line.valid - goes), foretold.eq(line.coming)]
        self.check(m, "occupancy_bounded", inside <= places)
        self.check(m, "room_until_it_is_full", line.room | (inside >= min(2, places)))
        self.check(m, "comes_as_foretold", line.sums.valid == foretold)

        # One unit, whichever: its sums and how many are in front of it.
        mark = self.choice(1, "mark")
        marked = Signal()
        value = Signal(len(sums))
        ahead = Signal(range(places + 1))
        with m.If(mark & line.valid & ~marked):
            m.d.sync += [
                marked.eq(1),
                value.eq(Value.cast(line.complete)),
                ahead.eq(inside - goes),
            ]
        with m.Elif(marked & goes):
            m.d.sync += [ahead.eq(ahead - 1), marked.eq(ahead != 0)]
        self.check(
            m,
            "in_order_and_unchanged",
            ~(marked & (ahead == 0) & line.sums.valid) | (sums == value),
        )

        # Where the line keeps it, and that it keeps nothing else.
        full = self.peek("full", places)
        held = [self.peek(f"place_{number}", len(sums)) for number in range(places)]
        found = Cat(
            full[number] & (_count(full[number + 1 :]) == ahead) & (held[number] == value)
            for number in range(places)
        )
        self.check(m, "held", ~marked | found.any())
        self.check(m, "all_inside", _count(full) == inside)


def _count(bits: Value) -> Value:
    return sum(bits, start=Const(0))
