"""The sums of all lanes, added up for F neurons at a time."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ...basics.credit_queue import CreditQueue, credit_depth
from ...basics.shapes import count_shape
from ...folded.own_register import OwnRegister
from ..design import DIGIT_BITS, EngineDesign
from ..layouts import TurnLayout, TurnTagLayout, currents_layout, turn_sums_layout
from .tag_line import later_tag


class TurnJoin(wiring.Component):
    """Takes F sums of every lane for each turn, and gives their totals.

    ::

        lanes: entered -> counted -> all there -> leaves, sums -> + -> ... -> + -> joined
                                     ^ tag

    A tree of adders with a register after each level. Lanes lie all over the chip, so nothing is
    asked of one and decided in the same cycle: turns that entered its queue are counted here, and
    a register of its own tells it that one leaves.

    Members:
        entered: in; a bit of each lane: a turn has entered its ``SumQueue``.
        leaves: out; a bit of each lane: a turn leaves.
        sums: in; F sums of each lane, with ``leaves``.
        tags: in, stream of ``TurnTagLayout``.
        joined: out, stream of ``TurnLayout`` of currents.
    """

    entered: Signal
    leaves: Signal
    sums: list
    tags: stream.Interface
    joined: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        super().__init__(
            {
                "entered": In(design.lanes),
                "leaves": Out(design.lanes),
                "sums": In(turn_sums_layout(design)).array(design.lanes),
                "tags": In(stream.Signature(TurnTagLayout(design))),
                "joined": Out(stream.Signature(TurnLayout(design, currents_layout(design)))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, tag = self.design, self.tags.payload
        # A register for what leaves, one for each level of a half, one for the total.
        stages = 1 + exact_log2(design.lanes)
        m.submodules.kept = kept = CreditQueue(self.joined.payload.shape(), credit_depth(stages))
        wiring.connect(m, kept.output, wiring.flipped(self.joined))
        takes = Signal()
        there = Signal(design.lanes)
        for lane in range(design.lanes):
            m.d.comb += there[lane].eq(self._counted(m, lane, takes))
            m.submodules[f"own_leaves_{lane}"] = own_leaves = OwnRegister(1)
            m.d.comb += [own_leaves.next.eq(takes), self.leaves[lane].eq(own_leaves.now)]
        m.d.comb += [
            takes.eq(there.all() & self.tags.valid & kept.room),
            kept.enters.eq(takes),
            self.tags.ready.eq(takes),
        ]
        valid, held = later_tag(m, design, "leaving", takes, tag)
        # Even lanes' sums and odd ones' have trees of their own, whose totals are added at last.
        rows = [list(sums) for sums in self.sums]
        halves = [rows[::2], rows[1::2]]
        level = 0
        while len(halves[0]) > 1:
            valid, held = later_tag(m, design, str(level), valid, held)
            halves = [
                [
                    self._added(m, f"{side}_{level}_{place}", one, other)
                    for place, (one, other) in enumerate(zip(half[::2], half[1::2], strict=True))
                ]
                for side, half in zip(("even", "odd"), halves, strict=True)
            ]
            level += 1
        (even,), (odd,) = halves
        odd = [Mux(held.odd, value << DIGIT_BITS, value) for value in odd]
        valid, held = later_tag(m, design, str(level), valid, held)
        totals = self._added(m, "total", even, odd)
        m.d.comb += [kept.valid.eq(valid), kept.payload.tag.eq(held)]
        for number, total in enumerate(totals):
            m.d.comb += kept.payload["values"][number].eq(total)
        return m

    def _counted(self, m: Module, lane: int, takes: Signal) -> Signal:
        """Whether the lane has a turn that nobody has taken: a register."""
        there = Signal(name=f"there_{lane}")
        count = Signal(count_shape(self.design.turns_ahead), name=f"turns_of_lane_{lane}")
        entered = self.entered[lane]
        with m.If(entered & ~takes):
            m.d.sync += [count.eq(count + 1), there.eq(1)]
        with m.If(takes & ~entered):
            m.d.sync += [count.eq(count - 1), there.eq(count != 1)]
        return there

    def _added(self, m: Module, name: str, one: list, other: list) -> list:
        """Sums of two lists of F values, in registers."""
        added = []
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            bits = min(self.design.current_bits, max(len(first), len(second)) + 1)
            total = Signal(signed(bits), name=f"{name}_{number}", reset_less=True)
            m.d.sync += total.eq(first + second)
            added.append(total)
        return added
