"""The sums of all lanes, added up for F neurons at a time."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...folded.selectors import CHOICES, Selectors
from ..design import DIGIT_BITS, EngineDesign
from ..layouts import TurnLayout, TurnTagLayout, currents_layout, sums_layout


class UnitJoin(wiring.Component):
    """Takes one sum of every lane for each unit, and gives its turns: F totals in each.

    A tree of adders with a register after each level. Lanes give up a unit with its last turn.

    Members:
        lane_0 ...: in, streams; P sums of each lane.
        tags: in, stream of ``TurnTagLayout``.
        joined: out, stream of ``TurnLayout`` of currents.
    """

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
        moves = Signal()
        arrived = Signal()
        turn = Signal(range(max(2, design.turns)))
        all_valid = self.tags.valid
        for lane in self.lanes:
            all_valid = all_valid & lane.valid
        m.d.comb += [
            moves.eq(~self.joined.valid | self.joined.ready),
            arrived.eq(all_valid),
            self.tags.ready.eq(moves & arrived),
            *(lane.ready.eq(moves & arrived & tag.last_turn) for lane in self.lanes),
        ]
        with m.If(moves & arrived):
            m.d.sync += turn.eq(Mux(tag.last_turn, 0, turn + 1))
        # The first level is a register behind what selects the turn's sums.
        rows = [
            self._selected(m, lane, number, turn, moves) for number, lane in enumerate(self.lanes)
        ]
        valid = Signal(name="valid_selected")
        held = Signal(TurnTagLayout(design), name="tag_selected", reset_less=True)
        with m.If(moves):
            m.d.sync += [valid.eq(arrived), held.eq(tag)]
        # Even lanes' sums and odd ones' have trees of their own, whose totals are added at last.
        halves = [rows[::2], rows[1::2]]
        level = 0
        while len(halves[0]) > 1:
            valid, held = self._later(m, level, valid, held, moves)
            halves = [
                [
                    self._added(m, f"{side}_{level}_{place}", one, other, moves)
                    for place, (one, other) in enumerate(zip(half[::2], half[1::2], strict=True))
                ]
                for side, half in zip(("even", "odd"), halves, strict=True)
            ]
            level += 1
        (even,), (odd,) = halves
        odd = [Mux(held.odd, value << DIGIT_BITS, value) for value in odd]
        valid, held = self._later(m, level, valid, held, moves)
        totals = self._added(m, "total", even, odd, moves)
        m.d.comb += [self.joined.valid.eq(valid), self.joined.payload.tag.eq(held)]
        for number, total in enumerate(totals):
            m.d.comb += self.joined.payload["values"][number].eq(total)
        return m

    def _selected(self, m: Module, lane, number: int, turn: Signal, moves: Signal) -> list:
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
        with m.If(moves):
            m.d.sync += selected.eq(now)
        return list(selected)

    def _later(self, m: Module, level: int, valid: Signal, tag, moves: Signal) -> tuple:
        """What goes along with the turn, a level on."""
        later = Signal(name=f"valid_{level}")
        later_tag = Signal(TurnTagLayout(self.design), name=f"tag_{level}", reset_less=True)
        with m.If(moves):
            m.d.sync += [later.eq(valid), later_tag.eq(tag)]
        return later, later_tag

    def _added(self, m: Module, name: str, one: list, other: list, moves: Signal) -> list:
        """Sums of two lists of F values, in registers."""
        added = []
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            bits = min(self.design.current_bits, max(len(first), len(second)) + 1)
            total = Signal(signed(bits), name=f"{name}_{number}", reset_less=True)
            with m.If(moves):
                m.d.sync += total.eq(first + second)
            added.append(total)
        return added
