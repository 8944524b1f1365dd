"""Weights of events, added up by P adders."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.add_or_subtract import add_or_subtract
from ...basics.shapes import index_shape
from ..design import DIGIT_BITS, EngineDesign
from ..layouts import EventLayout, sums_layout


class WeightedSums(wiring.Component):
    """Adds each event's P weights, shifted by what its bit is worth; a cycle for each event.

    A sum that is complete waits in registers of its own while the next one is under way. It is
    complete where the one before it has left.

    Members:
        events: in, stream of ``EventLayout``; ``weight`` is an address of this memory.
        load: in; write ``load_word`` (P weights) at ``load_address``. Words that events address
            must have been written two cycles before.
        sums: out, stream; P sums, one for each ``ends_window``.
    """

    events: stream.Interface
    load_address: Signal
    load_word: Signal
    load: Signal
    sums: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.weights_layout = data.ArrayLayout(signed(design.weight_bits), design.neurons)
        super().__init__(
            {
                "events": In(stream.Signature(EventLayout(design))),
                "load_address": In(index_shape(design.weight_words)),
                "load_word": In(self.weights_layout.size),
                "load": In(1),
                "sums": Out(stream.Signature(sums_layout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        m.submodules.weights = weights = memory.Memory(
            shape=unsigned(self.weights_layout.size), depth=design.weight_words, init=[]
        )
        write, read = weights.write_port(), weights.read_port()
        m.d.comb += [
            write.addr.eq(self.load_address),
            write.data.eq(self.load_word),
            write.en.eq(self.load),
        ]
        # An event waits for its weights, which the memory answers late: two cycles.
        moves = Signal()
        asked_valid, task_valid = Signal(), Signal()
        asked = Signal(EventLayout(design), reset_less=True)
        task = Signal(EventLayout(design), reset_less=True)
        word = Signal(self.weights_layout, reset_less=True)
        m.d.comb += [
            self.events.ready.eq(moves),
            read.addr.eq(self.events.payload.weight),
            read.en.eq(moves),
        ]
        with m.If(moves):
            m.d.sync += [
                asked_valid.eq(self.events.valid),
                asked.eq(self.events.payload),
                task_valid.eq(asked_valid),
                task.eq(asked),
                word.eq(read.data),
            ]
        # By itself, it is the register's reset and costs no logic.
        with m.If(moves & ~asked.add):
            m.d.sync += word.eq(0)

        completes = Signal()
        accumulates = Signal()
        m.d.comb += [
            moves.eq(~(task_valid & task.ends_window & self.sums.valid & ~self.sums.ready)),
            accumulates.eq(task_valid & moves),
            completes.eq(accumulates & task.ends_window),
        ]
        with m.If(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        with m.If(completes):
            m.d.sync += self.sums.valid.eq(1)
        for neuron in range(design.neurons):
            sum_shape = signed(design.sum_bits)
            accumulator = Signal(sum_shape, name=f"accumulator_{neuron}")
            complete = Signal(sum_shape, name=f"complete_{neuron}", reset_less=True)
            total = Signal(sum_shape, name=f"total_{neuron}")
            once = Signal(signed(design.weight_bits + 1), name=f"once_{neuron}")
            term = Signal(signed(design.weight_bits + DIGIT_BITS - 1), name=f"term_{neuron}")
            m.d.comb += [
                once.eq(Mux(task.shift[0], word[neuron] << 1, word[neuron])),
                term.eq(Mux(task.shift[1], once << 2, once)),
                total.eq(add_or_subtract(accumulator, term, task.negative)),
                self.sums.payload[neuron].eq(complete),
            ]
            with m.If(completes):
                m.d.sync += [accumulator.eq(0), complete.eq(total)]
            with m.Elif(accumulates):
                m.d.sync += accumulator.eq(total)
        return m
