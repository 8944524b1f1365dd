"""F integrate-and-fire neurons, a plane of their number to a stage."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.credit_queue import CreditQueue, credit_depth
from ...folded.turning_adders import TurningAdders
from ..design import EngineDesign
from ..layouts import TurnLayout, TurnTagLayout, currents_layout, fired_index
from ..memory.table_port import TableWordsPort
from ..memory.word_memory import WordMemory
from ..program import Kind, parameter_record, pass_record
from ..record_layouts import record_layout
from .tag_line import later_tag


def numbers_layout(design: EngineDesign) -> data.ArrayLayout:
    """What F neurons give: a number of at most T bits, or a current, sign extended."""
    return data.ArrayLayout(signed(design.current_bits), design.firing)


class NeuronLine(wiring.Component):
    """Currents to the numbers that trains spell; a turn a cycle.

    ::

        currents -> + offset -> step T_max - 1 -> ... -> step 0 -> numbers
                      ^ parameters of the turn

    A step subtracts the threshold times 2 ** step; where that was too much, the next one adds. A
    neuron that reaches a step above the layer's T has saturated and gives all ones. One that fires
    signed and is below L counts from there, and turns all bits. In a pass that gives currents, the
    steps change nothing. The line never stalls: what it gives has places in a queue behind it.

    Members:
        header: in; the pass.
        parameters: in, ``TableWordsPort``.
        currents: in, stream of ``TurnLayout`` of currents.
        numbers: out, stream of ``TurnLayout`` of ``numbers_layout``.
    """

    parameters: wiring.PureInterface
    currents: stream.Interface
    numbers: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        self.parameter_layout = record_layout(parameter_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "parameters": In(TableWordsPort(design, "parameters")),
                "currents": In(stream.Signature(TurnLayout(design, currents_layout(design)))),
                "numbers": Out(stream.Signature(TurnLayout(design, numbers_layout(design)))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, header = self.design, self.header
        m.submodules.table = table = WordMemory(self.parameter_layout.size, design.window_turns)
        # Two registers of what was asked for, one of what has begun, one for each step.
        m.submodules.kept = kept = CreditQueue(
            self.numbers.payload.shape(), credit_depth(3 + design.steps)
        )
        wiring.connect(m, kept.output, wiring.flipped(self.numbers))
        fires = Signal()
        enters = Signal()
        m.d.comb += [
            table.index.eq(self.parameters.index),
            table.part.eq(self.parameters.part),
            table.word.eq(self.parameters.word),
            table.write.eq(self.parameters.write),
            self.currents.ready.eq(kept.room),
            enters.eq(self.currents.valid & kept.room),
            kept.enters.eq(enters),
            table.read_index.eq(fired_index(design, self.currents.payload.tag)),
            table.read.eq(1),
        ]
        m.d.sync += fires.eq(header.kind != Kind.CURRENTS)

        # Parameters are looked up, then waited for in a register: the memory answers late.
        valid = Signal(name="valid_asked")
        tag = Signal(TurnTagLayout(design), name="tag_asked", reset_less=True)
        asked = Signal(currents_layout(design), reset_less=True)
        held_valid, held_tag = Signal(), Signal(TurnTagLayout(design), reset_less=True)
        held = Signal(currents_layout(design), reset_less=True)
        own = Signal(self.parameter_layout, reset_less=True)
        m.d.sync += [
            valid.eq(enters),
            tag.eq(self.currents.payload.tag),
            asked.eq(self.currents.payload["values"]),
            held_valid.eq(valid),
            held_tag.eq(tag),
            held.eq(asked),
            own.eq(table.entry),
        ]
        lines = [self._begin(m, number, held[number], own) for number in range(design.firing)]
        valid, tag = later_tag(m, design, "begun", held_valid, held_tag)
        for step in reversed(range(design.steps)):
            lines = self._step(m, lines, step, fires)
            valid, tag = later_tag(m, design, f"after_{step}", valid, tag)
        m.d.comb += [kept.valid.eq(valid), kept.payload.tag.eq(tag)]
        for number, line in enumerate(lines):
            m.d.comb += kept.payload["values"][number].eq(
                Mux(fires, self._number(m, number, line), line.potential)
            )
        return m

    def _line(self, name: str, potential_bits: int) -> data.View:
        """A neuron between two stages; ``bits`` are its number so far."""
        design = self.design
        layout = data.StructLayout(
            {
                "potential": signed(potential_bits),
                "threshold": design.threshold_bits,
                "negative": 1,
                "saturated": 1,
                "bits": design.steps,
            }
        )
        return Signal(layout, name=name, reset_less=True)

    def _begin(self, m: Module, number: int, current, own: data.View) -> data.View:
        """Potential or what lies below L, the threshold of that side, and which side it is."""
        total = Signal(signed(self.design.current_bits), name=f"total_{number}")
        beyond = Signal(signed(self.design.current_bits + 1), name=f"beyond_{number}")
        below = Signal(name=f"below_{number}")
        begun = self._line(f"begun_{number}", self.design.current_bits)
        m.d.comb += [
            total.eq(current + own[f"offset_{number}"]),
            beyond.eq(own[f"below_{number}"] - current),
            below.eq(self.header.fires_signed & ~beyond[-1]),
        ]
        m.d.sync += [
            begun.potential.eq(Mux(below, beyond, total)),
            begun.threshold.eq(
                Mux(below, own[f"negative_threshold_{number}"], own[f"threshold_{number}"])
            ),
            begun.negative.eq(below),
            begun.saturated.eq(0),
            begun.bits.eq(0),
        ]
        return begun

    def _step(self, m: Module, lines: list, step: int, fires: Signal) -> list:
        """Subtract the threshold times 2 ** ``step``, or add it where the step before went below 0.

        What is left is below 0 where the threshold was not reached, as if nothing had been
        subtracted then.
        """
        design = self.design
        # Below 0 by less than what was subtracted, but for a potential that was so before.
        bits = max(design.current_bits, design.threshold_bits + step + 1) + 1
        adders = TurningAdders(design.firing, bits - step)
        m.submodules[f"step_{step}"] = adders
        counts = Signal(name=f"counts_{step}")
        m.d.comb += [
            adders.adds.eq(fires),
            # The first plane of a signed train is the sign.
            counts.eq(step + self.header.fires_signed < self.header.steps),
        ]
        result = []
        for number, line in enumerate(lines):
            later = self._line(f"after_{step}_{number}", bits)
            # Lower bits stay as they are.
            rest = Cat(line.potential[:step], adders.totals[number]).as_signed()
            reached = Signal(name=f"reached_{step}_{number}")
            first = step == design.steps - 1
            m.d.comb += [
                adders.values[number].eq(line.potential >> step),
                adders.terms[number].eq(line.threshold),
                adders.turned[number].eq(1 if first else ~line.potential[-1]),
                reached.eq(~rest[-1]),
            ]
            m.d.sync += [
                later.potential.eq(rest),
                later.threshold.eq(line.threshold),
                later.negative.eq(line.negative),
                later.bits.eq(Cat(reached & counts, line.bits)),
                later.saturated.eq(line.saturated | (reached & ~counts)),
            ]
            result.append(later)
        return result

    def _number(self, m: Module, number: int, line: data.View) -> Signal:
        """The train's bits: all ones where it saturated, all turned where it is negative."""
        design = self.design
        found = Signal(unsigned(design.steps), name=f"number_{number}")
        used = Signal(unsigned(design.steps), name=f"used_{number}")
        m.d.comb += [
            used.eq((1 << self.header.steps) - 1),
            found.eq(
                (
                    Mux(
                        line.saturated,
                        Mux(self.header.fires_signed, used >> 1, used),
                        line.bits,
                    )
                    ^ line.negative.replicate(design.steps)
                )
                & used
            ),
        ]
        return found
