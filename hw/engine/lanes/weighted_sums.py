"""Weights of events, added up by P adders."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import count_shape, index_shape
from ...folded.selecting_adders import SelectingAdders
from ..design import WORD_BITS, EngineDesign
from ..layouts import EventLayout, sums_layout, turn_sums_layout
from ..memory.word_memory import WordMemory
from .sum_queue import SumQueue


class WeightedSums(wiring.Component):
    """Adds each event's P weights, shifted by what its bit is worth; a cycle for each event.

    Sums that are complete wait in a queue while the next ones are under way.

    Members:
        events: in, stream of ``EventLayout``; ``weight`` is an address of this memory.
        load: in; write ``load_word`` as memory word ``load_part`` of the P weights at
            ``load_address``. What events address must have been written two cycles before.
        turns, entered, leaves, sums: see ``SumQueue``; the turns of P sums for each
            ``ends_window``.
    """

    events: stream.Interface
    load_address: Signal
    load_part: Signal
    load_word: Signal
    load: Signal
    turns: Signal
    entered: Signal
    leaves: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        self.weights_layout = data.ArrayLayout(signed(design.weight_bits), design.neurons)
        super().__init__(
            {
                "events": In(stream.Signature(EventLayout(design))),
                "load_address": In(index_shape(design.weight_words)),
                "load_part": In(index_shape(design.weight_memory_words)),
                "load_word": In(WORD_BITS),
                "load": In(1),
                "turns": In(count_shape(design.turns)),
                "entered": Out(1),
                "leaves": In(1),
                "sums": Out(turn_sums_layout(design)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        m.submodules.weights = weights = WordMemory(self.weights_layout.size, design.weight_words)
        m.d.comb += [
            weights.index.eq(self.load_address),
            weights.part.eq(self.load_part),
            weights.word.eq(self.load_word),
            weights.write.eq(self.load),
        ]
        # An event waits for its weights, which the memory answers late: two cycles.
        moves = Signal()
        asked_valid, task_valid = Signal(), Signal()
        asked = Signal(EventLayout(design), reset_less=True)
        task = Signal(EventLayout(design), reset_less=True)
        word = Signal(self.weights_layout, reset_less=True)
        m.d.comb += [
            self.events.ready.eq(moves),
            weights.read_index.eq(self.events.payload.weight),
            weights.read.eq(moves),
        ]
        with m.If(moves):
            m.d.sync += [
                asked_valid.eq(self.events.valid),
                asked.eq(self.events.payload),
                task_valid.eq(asked_valid),
                task.eq(asked),
                word.eq(weights.entry),
            ]
        # By itself, it is the register's reset and costs no logic.
        with m.If(moves & ~asked.add):
            m.d.sync += word.eq(0)

        m.submodules.complete = complete = SumQueue(design)
        completes = Signal()
        accumulates = Signal()
        m.d.comb += [
            moves.eq(~(task_valid & task.ends_window & ~complete.room)),
            accumulates.eq(task_valid & moves),
            completes.eq(accumulates & task.ends_window),
        ]
        accumulators = Signal(sums_layout(design))
        adders = SelectingAdders(design.neurons, design.sum_bits)
        m.submodules.adders = adders
        m.d.comb += [
            adders.values.eq(accumulators),
            adders.upper.eq(task.shift[1]),
            adders.carry.eq(task.negative),
            complete.valid.eq(completes),
            complete.complete.eq(adders.totals),
            complete.turns.eq(self.turns),
            complete.leaves.eq(self.leaves),
            self.entered.eq(complete.entered),
            self.sums.eq(complete.sums),
        ]
        for neuron in range(design.neurons):
            once = Signal(signed(design.weight_bits + 1), name=f"once_{neuron}")
            twice = Signal(signed(len(once) + 2), name=f"twice_{neuron}")
            m.d.comb += [
                # All bits turned, with the carry, is the negative.
                once.eq(
                    Mux(task.shift[0], word[neuron] << 1, word[neuron])
                    ^ task.negative.replicate(len(once)).as_signed()
                ),
                twice.eq(Cat(task.negative.replicate(2), once)),
                adders.ones[neuron].eq(twice),
                adders.others[neuron].eq(once),
            ]
        with m.If(completes):
            m.d.sync += accumulators.eq(0)
        with m.Elif(accumulates):
            m.d.sync += accumulators.eq(adders.totals)
        return m
