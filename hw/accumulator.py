"""Accumulator lane: the weights of a lane's events, summed for P neurons."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Signal, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.errors import RheobaseError
from .checks import check_range
from .memory_shape import WeightMemory, weight_memory
from .payloads import EventLayout, vector
from .shapes import packed_words, signed_shape


class AccumulatorLane(wiring.Component):
    """acc = (acc << shift) + weights[address], an event a cycle, a sum at every ``last`` event.

    Args:
        weights: integers (words, P), the lane's own part of the weights.
        weight_bits: two's complement width of a weight.
        event_shift: largest shift of an event.
        bounds: inclusive range of a sum, partial ones included.
        weight_memory: what holds the weights; by their size where None.
        compact: the register that adds up a sum also holds it until it is taken.

    Raises:
        RheobaseError: a weight that ``weight_bits`` does not hold, or another bad parameter.
    """

    def __init__(
        self,
        weights: np.ndarray,
        weight_bits: int,
        event_shift: int,
        bounds: tuple[int, int],
        weight_memory: WeightMemory | None = None,
        *,
        compact: bool = False,
    ):
        check_range("AccumulatorLane", "weight_bits", weight_bits, 1, None)
        check_range("AccumulatorLane", "event_shift", event_shift, 0, None)
        if weights.ndim != 2 or 0 in weights.shape:
            raise RheobaseError(
                f"AccumulatorLane: weights have shape {weights.shape}, accepted is (words, P)"
            )
        limit = 1 << (weight_bits - 1)
        if weights.min() < -limit or weights.max() >= limit:
            raise RheobaseError(
                f"AccumulatorLane: weights span {weights.min()}..{weights.max()}, accepted at "
                f"{weight_bits} bits is {-limit}..{limit - 1}"
            )
        self.weights = weights
        self.weight_bits = weight_bits
        self.weight_memory = weight_memory
        self.compact = compact
        self.weight_layout = vector(signed(weight_bits), weights.shape[1])
        self.sum_shape = signed_shape(bounds)
        self.event_shift = event_shift
        self.event_layout = EventLayout(weights.shape[0], event_shift)
        super().__init__(
            {
                "events": In(stream.Signature(self.event_layout)),
                "sums": Out(stream.Signature(vector(self.sum_shape, weights.shape[1]))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        words, neurons = self.weights.shape
        shape = weight_memory(words, self.weight_layout.size, self.weight_memory)
        m.submodules.weights = storage = memory.Memory(
            shape=unsigned(shape.width),
            depth=shape.words,
            init=packed_words(self.weights, self.weight_bits),
            attrs=shape.attributes,
        )
        weight = storage.read_port()
        # A block RAM takes longer to answer than a register: the sum waits a cycle for it.
        weights = Signal(self.weight_layout)

        # What is to be done with the answer waits while the memory answers, and then beside it.
        asked = Signal(_task(self.event_layout))
        task = Signal.like(asked)
        stalled = Signal()
        begins = Signal(init=1)  # a sum, the one before having left
        events = self.events.payload
        if self.compact:
            m.d.comb += stalled.eq(task.valid & self.sums.valid & ~self.sums.ready)
        else:
            # A sum is complete where the one before it has left: what is ready for that one would
            # come late to everything here, and costs a cycle only in a unit of a single event.
            m.d.comb += stalled.eq(task.valid & task.last & self.sums.valid)
        m.d.comb += [
            self.events.ready.eq(~stalled),
            weight.addr.eq(events.address),
            weight.en.eq(~stalled),
        ]
        with m.If(~stalled):
            m.d.sync += [
                asked.valid.eq(self.events.valid),
                asked.add.eq(events.add),
                asked.shift.eq(events.shift),
                asked.last.eq(events.last),
                task.eq(asked),
                weights.eq(weight.data),
            ]
        # What an event adds that adds nothing: the register's reset, which costs no logic.
        with m.If(~stalled & ~asked.add):
            m.d.sync += weights.eq(0)

        with m.If(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        accumulates = Signal()
        m.d.comb += accumulates.eq(task.valid & ~stalled)
        with m.If(accumulates), m.If(task.last):
            m.d.sync += self.sums.valid.eq(1)
        if self.compact:
            with m.If(accumulates):
                m.d.sync += begins.eq(task.last)
        for neuron in range(neurons):
            accumulator = Signal(self.sum_shape, name=f"accumulator_{neuron}")
            shifted = Signal(self.sum_shape, name=f"shifted_{neuron}")
            total = Signal(self.sum_shape, name=f"total_{neuron}")
            with m.Switch(task.shift):
                for amount in range(1, self.event_shift + 1):
                    with m.Case(amount):
                        m.d.comb += shifted.eq(accumulator << amount)
                with m.Default():
                    m.d.comb += shifted.eq(accumulator)
            m.d.comb += total.eq(shifted + weights[neuron])
            if self.compact:
                m.d.comb += self.sums.payload[neuron].eq(accumulator)
                with m.If(begins):
                    m.d.comb += shifted.eq(0)
            with m.If(accumulates):
                m.d.sync += accumulator.eq(total)
                if not self.compact:
                    with m.If(task.last):
                        m.d.sync += self.sums.payload[neuron].eq(total)
            if not self.compact:
                # Cleared at the end, not at the start, and by a condition that stands alone: then
                # it is the register's reset and costs no logic.
                with m.If(accumulates & task.last):
                    m.d.sync += accumulator.eq(0)
        return m


def _task(event: EventLayout) -> data.StructLayout:
    """What an event asks for, without the address of its weight."""
    members = {name: event.members[name] for name in ("add", "shift", "last")}
    return data.StructLayout({"valid": 1} | members)
