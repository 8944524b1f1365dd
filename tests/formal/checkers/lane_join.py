"""LaneJoin: the i-th sum of every lane and the i-th unit, added, in order."""

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import data

from rheobase.hw.lanes.lane_join import LaneJoin
from rheobase.sim.prove import Checker


class LaneJoinChecker(Checker):
    component: LaneJoin

    def state(self, m: Module) -> None:
        join = self.component
        neurons = join.neurons
        sources = [join.units, *join.lanes]
        for index, source in enumerate(sources):
            self.assume_stream(m, source, f"source_{index}")
        self.check_stream(m, join.joined, "joined")
        comes = Signal()
        goes = Signal()
        all_valid = Signal()
        m.d.comb += [
            comes.eq(join.units.valid & join.units.ready),
            goes.eq(join.joined.valid & join.joined.ready),
            all_valid.eq(1),
        ]
        for source in sources:
            with m.If(~source.valid):
                m.d.comb += all_valid.eq(0)
        # All inputs move in the same cycles, so that the i-th of each meet.
        for index, lane in enumerate(join.lanes):
            self.check(m, f"lane_{index}_moves_with_the_units", (lane.valid & lane.ready) == comes)

        # Which levels hold something: what a level has goes on as soon as the next one is empty.
        levels = max(1, (len(join.lanes) - 1).bit_length())
        full = Signal(levels)
        leaves = Signal(levels)
        m.d.comb += leaves.eq(full & Cat(~full[1:], join.joined.ready))
        m.d.sync += full.eq((full & ~leaves) | (leaves << 1)[:levels] | comes)
        self.check(m, "takes_when_it_is_empty", comes == (all_valid & ~full[0]))
        self.check(m, "goes_in_its_turn", goes == leaves[-1])

        # One element, whichever, through the levels.
        mark = self.choice(1, "mark")
        marked = Signal()
        level = Signal(range(levels))
        total = Signal(data.ArrayLayout(join.sum_shape, neurons))
        unit = Signal(join.units.payload.shape())
        with m.If(mark & comes & ~marked):
            m.d.sync += [marked.eq(1), level.eq(0), unit.eq(join.units.payload)]
            for neuron in range(neurons):
                added = sum(lane.payload[neuron] for lane in join.lanes)
                m.d.sync += total[neuron].eq(added)
        with m.Elif(marked & leaves.bit_select(level, 1)):
            m.d.sync += level.eq(level + 1)
            with m.If(level == levels - 1):
                m.d.sync += [marked.eq(0), level.eq(0)]
        at_output = marked & (level == levels - 1)
        payload = join.joined.payload
        self.check(m, "arrives", ~at_output | join.joined.valid)
        self.check(m, "level_in_range", level < levels)
        self.check(m, "with_its_unit", ~at_output | (Value.cast(payload.unit) == Value.cast(unit)))
        for neuron in range(neurons):
            self.check(m, f"sum_{neuron}", ~at_output | (payload.sums[neuron] == total[neuron]))

        parts = len(join.lanes)
        for index in range(levels):
            valid = self.peek(f"valid_{index}", 1)
            self.check(m, f"full_{index}", valid == full[index])
            here = marked & (level == index)
            held = self.peek(f"unit_{index}", len(Value.cast(unit)))
            self.check(m, f"unit_{index}", ~here | (valid & (held == Value.cast(unit))))
            parts = -(-parts // 2)
            for neuron in range(neurons):
                partial = sum(
                    self.peek(f"partial_{index}_{neuron}_{part}", join.sum_shape)
                    for part in range(parts)
                )
                # The widths hold any sum of lanes, which the lanes' ranges in turn ensure.
                width = join.sum_shape.width
                same = partial.as_unsigned()[:width] == total[neuron].as_unsigned()
                self.check(m, f"partial_{index}_{neuron}", ~here | same)
