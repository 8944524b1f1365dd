"""Totals of windows that are summed up in several chunks."""

from __future__ import annotations

from amaranth import Cat, Module, Signal, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.payload_register import payload_register
from ...memories.memory_shape import NO_COLLISIONS
from ..design import DIGIT_BITS, EngineDesign, digit_shift
from ..layouts import TurnLayout, currents_layout


class ChunkSum(wiring.Component):
    """Adds the turns of windows' chunks, one a cycle, each by what its weights' digit is worth.

    ::

        turns -> asked -> found -> + -> given -> totals
                   |        ^      |
                   +> kept -+      |
                       ^-----------+ chunks but the last

    A total is given where neurons fire: after the last chunk, in ``rate`` after those of each step.

    A turn waits while what it adds to is still on its way, which needs fewer turns from one chunk
    to the next than ``CHUNK_CYCLES``: those that it may be asked for, or found, in.

    Members:
        turns: in, stream of ``TurnLayout`` of currents.
        totals: out, stream of the same; those that neurons fire with.
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
        asked_valid, found_valid = Signal(), Signal()
        asked = Signal(turn.shape(), reset_less=True)
        found = Signal(turn.shape(), reset_less=True)
        waits, free = Signal(), Signal()
        given = payload_register(m, self.totals.payload, "given")
        m.d.comb += [
            free.eq(~self.totals.valid | self.totals.ready),
            self.turns.ready.eq(free & ~waits),
            read.addr.eq(turn.tag.index),
            read.en.eq(free),
            write.addr.eq(found.tag.index),
            write.en.eq(free & found_valid & ~found.tag.last_chunk),
        ]
        under_way = [
            valid & (stage.tag.index == turn.tag.index)
            for valid, stage in ((asked_valid, asked), (found_valid, found))
        ]
        m.d.comb += waits.eq(~turn.tag.first_chunk & Cat(under_way).any())
        with m.If(free):
            m.d.sync += [
                asked_valid.eq(self.turns.valid & ~waits),
                asked.eq(turn),
                found_valid.eq(asked_valid),
                found.tag.eq(asked.tag),
                self.totals.valid.eq(found_valid & found.tag.fires),
                given.tag.eq(found.tag),
            ]
        sums = layout(write.data)
        for neuron in range(design.firing):
            earlier = Signal(signed(design.current_bits), name=f"earlier_{neuron}", reset_less=True)
            with m.If(free):
                with m.Switch(asked.tag.level):
                    for level in range(design.weight_digits):
                        bits = DIGIT_BITS * digit_shift(design) * level
                        with m.Case(level):
                            m.d.sync += found["values"][neuron].eq(asked["values"][neuron] << bits)
                m.d.sync += earlier.eq(before[neuron])
                # By itself, it is the register's reset and costs no logic.
                with m.If(asked.tag.first_chunk):
                    m.d.sync += earlier.eq(0)
                m.d.sync += given["values"][neuron].eq(sums[neuron])
            m.d.comb += sums[neuron].eq(earlier + found["values"][neuron])
        return m
