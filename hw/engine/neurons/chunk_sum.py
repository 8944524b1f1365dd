"""Totals of windows that are summed up in several chunks."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.payload_register import payload_register
from ...memories.memory_shape import NO_COLLISIONS
from ..design import DIGIT_BITS, EngineDesign
from ..layouts import TurnLayout, currents_layout


class ChunkSum(wiring.Component):
    """Adds the turns of a window's chunks; what the chunks before gave is shifted first.

    A window of one chunk passes through, a turn a cycle; of several, each turn takes three: a
    block RAM's answer comes late in its cycle, and is shifted into a register.

    Members:
        turns: in, stream of ``TurnLayout`` of currents.
        totals: out, stream of the same; those of last chunks alone.
    """

    turns: stream.Interface
    totals: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        layout = TurnLayout(design, currents_layout(design))
        super().__init__(
            {"turns": In(stream.Signature(layout)), "totals": Out(stream.Signature(layout))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        turn = self.turns.payload
        layout = currents_layout(design)
        m.submodules.kept = kept = memory.Memory(
            shape=unsigned(layout.size),
            depth=design.groups * design.turns,
            init=[],
            attrs=NO_COLLISIONS,
        )
        write, read = kept.write_port(), kept.read_port()
        before = layout(read.data)
        asked, answered = Signal(), Signal()
        alone = Signal()
        proceeds = Signal()
        free = Signal()
        given = payload_register(m, self.totals.payload, "given")
        m.d.comb += [
            alone.eq(turn.tag.first_chunk),
            free.eq(~self.totals.valid | self.totals.ready),
            # A total from before is there two cycles after it was asked for.
            proceeds.eq(self.turns.valid & (alone | answered) & free),
            self.turns.ready.eq(proceeds),
            read.addr.eq(turn.tag.index),
            read.en.eq(1),
            write.addr.eq(turn.tag.index),
            write.en.eq(proceeds & ~turn.tag.last_chunk),
        ]
        m.d.sync += [
            asked.eq(self.turns.valid & ~alone & ~proceeds),
            answered.eq(asked & ~proceeds),
        ]
        with m.If(free):
            m.d.sync += [
                self.totals.valid.eq(proceeds & turn.tag.last_chunk),
                given.tag.eq(turn.tag),
            ]
        sums = layout(write.data)
        for neuron in range(design.firing):
            earlier = Signal(signed(design.current_bits), name=f"earlier_{neuron}", reset_less=True)
            with m.Switch(turn.tag.shift):
                for shift in range(1 << len(turn.tag.shift)):
                    with m.Case(shift):
                        m.d.sync += earlier.eq(before[neuron] << DIGIT_BITS * shift)
            m.d.comb += sums[neuron].eq(Mux(alone, 0, earlier) + turn["values"][neuron])
            with m.If(free):
                m.d.sync += given["values"][neuron].eq(sums[neuron])
        return m
