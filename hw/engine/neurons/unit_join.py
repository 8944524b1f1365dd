"""The sums of all lanes, added up for F neurons at a time."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

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
        selected = [[Signal(signed(design.sum_bits), name=f"selected_{number}_{lane}",
                            reset_less=True) for lane in range(design.lanes)]
                    for number in range(design.firing)]  # fmt: skip
        for number, row in enumerate(selected):
            for lane, register in zip(self.lanes, row, strict=True):
                choices = [lane.payload[t * design.firing + number] for t in range(design.turns)]
                chosen = Signal.like(register, name=f"{register.name}_now")
                with m.Switch(turn):
                    for t, choice in enumerate(choices):
                        with m.Case(t):
                            m.d.comb += chosen.eq(choice)
                with m.If(moves):
                    m.d.sync += register.eq(chosen)
        valid = Signal(name="valid_selected")
        held = Signal(TurnTagLayout(design), name="tag_selected", reset_less=True)
        with m.If(moves):
            m.d.sync += [valid.eq(arrived), held.eq(tag)]
        terms = [
            [
                Mux(held.odd, value << DIGIT_BITS, value) if lane % 2 else value
                for lane, value in enumerate(row)
            ]
            for row in selected
        ]
        level = 0
        while len(terms[0]) > 1:
            next_valid = Signal(name=f"valid_{level}")
            next_tag = Signal(TurnTagLayout(design), name=f"tag_{level}", reset_less=True)
            partials = [
                [
                    Signal(
                        signed(min(design.current_bits, max(len(one), len(other)) + 1)),
                        name=f"partial_{level}_{number}_{place}",
                        reset_less=True,
                    )
                    for place, (one, other) in enumerate(zip(row[::2], row[1::2], strict=True))
                ]
                for number, row in enumerate(terms)
            ]
            with m.If(moves):
                m.d.sync += [next_valid.eq(valid), next_tag.eq(held)]
                for sums, row in zip(partials, terms, strict=True):
                    m.d.sync += [
                        partial.eq(row[2 * place] + row[2 * place + 1])
                        for place, partial in enumerate(sums)
                    ]
            valid, held, terms = next_valid, next_tag, partials
            level += 1
        m.d.comb += [self.joined.valid.eq(valid), self.joined.payload.tag.eq(held)]
        for number, (total,) in enumerate(terms):
            m.d.comb += self.joined.payload["values"][number].eq(total)
        return m
