"""Accumulator lane: the weights of a lane's events, summed for P neurons."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.errors import RheobaseError
from .checks import check_range
from .memory_shape import WeightMemory, has_zero_word, lane_memory
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
        zero_word = has_zero_word(words)
        shape = lane_memory(words, self.weight_layout.size, self.weight_memory)
        m.submodules.weights = storage = memory.Memory(
            shape=unsigned(shape.width),
            depth=shape.words,
            init=packed_words(self.weights, self.weight_bits) + [0] * zero_word,
            attrs=shape.attributes,
        )
        weight = storage.read_port()

        # While the memory answers, what is to be done with the answer waits here.
        valid = Signal()
        shift = Signal.like(self.events.payload.shift)
        last = Signal()
        adds = Signal()
        stalled = Signal()
        m.d.comb += [
            # A sum is complete where the one before it has left: what is ready for that one would
            # come late to everything here, and costs a cycle only in a unit of a single event.
            stalled.eq(valid & last & self.sums.valid),
            self.events.ready.eq(~stalled),
            weight.addr.eq(self.events.payload.address),
            weight.en.eq(~stalled),
        ]
        weights = Signal(self.weight_layout)
        if zero_word:
            with m.If(~self.events.payload.add):
                m.d.comb += weight.addr.eq(words)
            m.d.comb += weights.eq(weight.data)
        else:
            m.d.comb += weights.eq(Mux(adds, weight.data, 0))
        with m.If(~stalled):
            m.d.sync += [
                valid.eq(self.events.valid),
                shift.eq(self.events.payload.shift),
                last.eq(self.events.payload.last),
                adds.eq(self.events.payload.add),
            ]

        with m.If(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        accumulates = Signal()
        m.d.comb += accumulates.eq(valid & ~stalled)
        with m.If(accumulates), m.If(last):
            m.d.sync += self.sums.valid.eq(1)
        for neuron in range(neurons):
            accumulator = Signal(self.sum_shape, name=f"accumulator_{neuron}")
            shifted = Signal(self.sum_shape, name=f"shifted_{neuron}")
            total = Signal(self.sum_shape, name=f"total_{neuron}")
            with m.Switch(shift):
                for amount in range(1, self.event_shift + 1):
                    with m.Case(amount):
                        m.d.comb += shifted.eq(accumulator << amount)
                with m.Default():
                    m.d.comb += shifted.eq(accumulator)
            m.d.comb += total.eq(shifted + weights[neuron])
            with m.If(accumulates):
                m.d.sync += accumulator.eq(total)
                with m.If(last):
                    m.d.sync += self.sums.payload[neuron].eq(total)
            # Cleared at the end, not at the start, and by a condition that stands alone: then it is
            # the register's reset and costs no logic.
            with m.If(accumulates & last):
                m.d.sync += accumulator.eq(0)
        return m
