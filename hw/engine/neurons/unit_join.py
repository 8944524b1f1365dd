"""The sums of all lanes, added up for F neurons at a time."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ...basics.credit_queue import CreditQueue, credit_depth
from ...folded.own_register import OwnRegister
from ...folded.selectors import CHOICES, Selectors
from ..design import DIGIT_BITS, EngineDesign
from ..layouts import TurnLayout, TurnTagLayout, currents_layout, sums_layout
from ..program import pass_record
from ..record_layouts import record_layout


class UnitJoin(wiring.Component):
    """Takes one sum of every lane for each unit, and gives its turns: F totals in each.

    A tree of adders with a register after each level. A unit begins when all its sums are there and
    its turns have places behind the tree; they follow one another in consecutive cycles, and lanes
    give it up with its last one.

    Lanes lie all over the chip, so nothing is asked of one and decided in the same cycle: whether
    its sums are there is kept here, and each lane has registers of its own for which turn it is and
    for ``ready``, which is known a cycle before.

    Members:
        lane_0 ...: in, streams; P sums of each lane.
        header: in; the pass.
        coming: in; a bit of each lane, whose stream is valid in the next cycle.
        tags: in, stream of ``TurnTagLayout``; those of a unit follow one another without a gap.
        joined: out, stream of ``TurnLayout`` of currents.
    """

    coming: Signal
    tags: stream.Interface
    joined: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        lanes = {
            f"lane_{lane}": In(stream.Signature(sums_layout(design)))
            for lane in range(design.lanes)
        }
        super().__init__(
            lanes
            | {
                "header": In(record_layout(pass_record(design))),
                "coming": In(design.lanes),
                "tags": In(stream.Signature(TurnTagLayout(design))),
                "joined": Out(stream.Signature(TurnLayout(design, currents_layout(design)))),
            }
        )

    @property
    def lanes(self) -> list:
        """The lanes' input streams."""
        return [getattr(self, f"lane_{lane}") for lane in range(self.design.lanes)]

    def elaborate(self, platform) -> Module:
        m = Module()
        design, tag = self.design, self.tags.payload
        # A register for the selected sums, one for each level of a half, one for the total.
        stages = 1 + exact_log2(design.lanes)
        m.submodules.kept = kept = CreditQueue(
            self.joined.payload.shape(),
            credit_depth(stages, design.turns),
            elements=design.turns,
        )
        wiring.connect(m, kept.output, wiring.flipped(self.joined))
        turn = Signal(range(max(2, design.turns)))
        takes = Signal()
        releases = Signal()
        next_turn = Signal.like(turn)
        before_last = Signal.like(turn)
        m.d.sync += before_last.eq(self.header.turns - 2)
        m.submodules.there = there = OwnRegister(design.lanes)
        m.d.comb += [
            there.next.eq(self.coming),
            takes.eq((turn != 0) | (there.now.all() & self.tags.valid & kept.room)),
            next_turn.eq(turn),
            kept.enters.eq(takes),
            self.tags.ready.eq(takes),
            releases.eq(takes & (turn == before_last)),
        ]
        with m.If(takes):
            m.d.comb += next_turn.eq(Mux(tag.last_turn, 0, turn + 1))
        m.d.sync += turn.eq(next_turn)
        # The first level is a register behind what selects the turn's sums.
        rows = []
        for number, lane in enumerate(self.lanes):
            m.submodules[f"own_turn_{number}"] = own_turn = OwnRegister(len(turn))
            m.d.comb += own_turn.next.eq(next_turn)
            rows.append(self._selected(m, lane, number, own_turn.now))
            if design.turns == 1:
                m.d.comb += lane.ready.eq(takes)
                continue
            m.submodules[f"own_release_{number}"] = release = OwnRegister(1)
            m.d.comb += [release.next.eq(releases), lane.ready.eq(release.now)]
        valid = Signal(name="valid_selected")
        held = Signal(TurnTagLayout(design), name="tag_selected", reset_less=True)
        m.d.sync += [valid.eq(takes), held.eq(tag)]
        # Even lanes' sums and odd ones' have trees of their own, whose totals are added at last.
        halves = [rows[::2], rows[1::2]]
        level = 0
        while len(halves[0]) > 1:
            valid, held = self._later(m, level, valid, held)
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
        valid, held = self._later(m, level, valid, held)
        totals = self._added(m, "total", even, odd)
        m.d.comb += [kept.valid.eq(valid), kept.payload.tag.eq(held)]
        for number, total in enumerate(totals):
            m.d.comb += kept.payload["values"][number].eq(total)
        return m

    def _selected(self, m: Module, lane, number: int, turn: Signal) -> list:
        """The turn's F sums of a lane, in registers."""
        design = self.design
        size = design.firing * design.sum_bits
        sums = Value.cast(lane.payload)
        now = Signal(size, name=f"now_{number}")
        if design.turns == CHOICES:
            selectors = Selectors(size)
            m.submodules[f"selectors_{number}"] = selectors
            m.d.comb += [
                Value.cast(selectors.choices).eq(sums),
                selectors.select.eq(turn),
                now.eq(selectors.chosen),
            ]
        else:
            m.d.comb += now.eq(sums.word_select(turn, size))
        layout = data.ArrayLayout(signed(design.sum_bits), design.firing)
        selected = Signal(layout, name=f"selected_{number}", reset_less=True)
        m.d.sync += selected.eq(now)
        return list(selected)

    def _later(self, m: Module, level: int, valid: Signal, tag) -> tuple:
        """What goes along with the turn, a level on."""
        later = Signal(name=f"valid_{level}")
        later_tag = Signal(TurnTagLayout(self.design), name=f"tag_{level}", reset_less=True)
        m.d.sync += [later.eq(valid), later_tag.eq(tag)]
        return later, later_tag

    def _added(self, m: Module, name: str, one: list, other: list) -> list:
        """Sums of two lists of F values, in registers."""
        added = []
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            bits = min(self.design.current_bits, max(len(first), len(second)) + 1)
            total = Signal(signed(bits), name=f"{name}_{number}", reset_less=True)
            m.d.sync += total.eq(first + second)
            added.append(total)
        return added
