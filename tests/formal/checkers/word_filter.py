"""WordFilter: what its words add up to is what the slabs did, for every weight of every unit.

A unit's sum is linear in the weights, so it is enough to follow one weight, whichever: the sum
with that weight 1 and all others 0.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.hdl import Assume

from rheobase.hw.basics.shapes import count_shape
from rheobase.hw.lanes.word_filter import WordFilter
from rheobase.sim.prove import Checker


class WordFilterChecker(Checker):
    """Assumes slabs in range, and as many planes to begin in a unit as it was built for."""

    component: WordFilter

    def state(self, m: Module) -> None:
        filter_ = self.component
        taps, slabs, groups = filter_.taps, filter_.slabs, filter_.groups
        largest = filter_.largest_shift
        # The planes of a step are worth the same, so that none shifts.
        later_planes = largest or int(filter_.signed_trains)
        self.assume_stream(m, filter_.slab, "slab")
        self.check_stream(m, filter_.words, "words")
        slab = filter_.slab.payload.slab
        word = filter_.words.payload
        comes = Signal()
        goes = Signal()
        m.d.comb += [
            comes.eq(filter_.slab.valid & filter_.slab.ready),
            goes.eq(filter_.words.valid & filter_.words.ready),
        ]
        begun = Signal()
        planes_begun = Signal(range(later_planes + 2))
        m.d.comb += [
            Assume(filter_.slab.payload.filled == slab.bits.as_value().any()),
            Assume((slab.slab < slabs) & (slab.group < groups)),
            Assume(~slab.new_plane | (begun & (planes_begun < later_planes))),
        ]
        with m.If(comes):
            m.d.sync += [
                begun.eq(~slab.last),
                planes_begun.eq(Mux(slab.last, 0, planes_begun + slab.new_plane)),
            ]

        # The sum over the slabs and that over the words, with the followed weight alone.
        planes = len(Value.cast(slab.bits)) // taps
        width = planes + largest + 1
        followed = self.constant(range(groups * slabs * taps), "followed")
        m.d.comb += Assume(followed < groups * slabs * taps)
        came = Signal(width)
        came_now = Signal(width)
        went = Signal(width)
        went_now = Signal(width)
        due = Signal(width)
        owed = Signal()

        def weighed(bits: Value, base: Value) -> Value:
            """Bits of the followed weight, the planes as a binary number."""
            hit = Const(0, width)
            for tap in range(taps):
                number = Cat(bits[plane][tap] for plane in reversed(range(planes)))
                hit = hit | Mux(followed == base + tap, number, 0)
            return hit

        base = Signal(range(groups * slabs * taps))
        came_bits, went_bits = weighed(slab.bits, base), weighed(word.bits, word.address)
        if filter_.signed_trains:
            # The first plane counts negative, as two's complement has it.
            first_plane = (planes_begun == 0) & ~slab.new_plane
            came_bits = Mux(first_plane, -came_bits, came_bits)
            went_bits = Mux(word.negative, -went_bits, went_bits)
            in_first_plane = self.peek("in_first_plane", 1)
            self.check(m, "in_first_plane", in_first_plane == (planes_begun == 0))
        m.d.comb += [
            base.eq((slab.group * slabs + slab.slab) * taps),
            came_now.eq((came << (slab.new_plane if largest else 0)) + came_bits),
            went_now.eq((went << word.shift) + went_bits),
        ]
        with m.If(goes):
            m.d.sync += went.eq(Mux(word.last, 0, went_now))
            with m.If(word.last):
                m.d.sync += owed.eq(0)
        with m.If(comes):
            m.d.sync += came.eq(Mux(slab.last, 0, came_now))
            with m.If(slab.last):
                m.d.sync += [due.eq(came_now), owed.eq(1)]
        self.check(m, "sum_is_due", ~(filter_.words.valid & word.last) | owed)
        self.check(m, "sums_equal", ~(goes & word.last) | (went_now == due))
        # The next unit's words wait for this one's last.
        self.check(m, "unit_after_unit", ~(goes & ~word.last) | ~owed)
        # Nothing waits without need: a slab at most for the place behind a word in front of it,
        # which a queue tells whether anything is offered or not, a finished unit for nothing.
        self.check(
            m,
            "takes_unless_held_up",
            filter_.slab.ready | (self.peek("pending_valid", 1) & ~filter_.words.ready),
        )
        self.check(m, "finished_unit_goes", ~owed | filter_.words.valid)

        pending_valid = self.peek("pending_valid", 1)
        started = self.peek("started", 1)
        skipped = self.peek("planes_skipped", count_shape(largest))
        self.check(
            m, "empty_only_at_the_end", ~pending_valid | word.last | word.bits.as_value().any()
        )
        # The output is the pending word itself.
        with_pending = Mux(pending_valid, went_now, went)
        self.check(m, "owed", owed == (pending_valid & word.last))
        self.check(m, "started", started == (pending_valid & ~word.last))
        self.check(m, "none_came", started | ((came == 0) & (skipped == 0)))
        self.check(m, "none_went", pending_valid | (went == 0))
        self.check(m, "balance", ~started | ((with_pending << skipped)[:width] == came))
        self.check(m, "balance_due", ~owed | (went_now == due))
        self.check(m, "skipped_bounded", skipped <= (planes_begun if largest else 0))
        self.check(m, "planes_bounded", planes_begun <= later_planes)
        self.check(m, "begun", ~started | begun)
        self.check(m, "not_begun", begun | (planes_begun == 0))
        self.check(
            m, "address_in_range", ~pending_valid | (word.address + taps <= groups * slabs * taps)
        )
