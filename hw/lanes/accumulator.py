"""Accumulator lane: the weights of a lane's events, summed for P neurons."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.errors import RheobaseError
from ...golden.network.bounds import Interval
from ..basics.add_or_subtract import add_or_subtract
from ..basics.checks import check_range
from ..basics.payload_register import payload_register
from ..basics.shapes import signed_shape
from ..design.folding import WeightMemory
from ..design.payloads import EventLayout, vector
from ..design.style import FAST, Style
from ..memories.weight_store import WeightStore


class AccumulatorLane(wiring.Component):
    """acc = (acc << shift) + weights[address], an event a cycle, a sum at every ``last`` event.

    With ``signed_trains`` an event that is ``negative`` subtracts its weights.

    Args:
        weights: integers (words, P), those of the lane's share.
        weight_bits: two's complement width of a weight.
        event_shift: largest shift of an event.
        bounds: of a sum, partial ones included.
        weight_memory: what holds the weights; by their size where None.
        style: without ``spare_registers`` the register that adds up a sum also holds it until it
            is taken.

    Raises:
        RheobaseError: a weight that ``weight_bits`` does not hold, or another bad parameter.

    Members:
        events: in, stream of ``EventLayout``.
        sums: out, stream; a sum for each of P neurons.
    """

    events: stream.Interface
    sums: stream.Interface

    def __init__(
        self,
        weights: np.ndarray,
        weight_bits: int,
        event_shift: int,
        bounds: Interval,
        weight_memory: WeightMemory | None = None,
        *,
        signed_trains: bool = False,
        style: Style = FAST,
    ):
        check_range("AccumulatorLane", "weight_bits", weight_bits, 1, None)
        check_range("AccumulatorLane", "event_shift", event_shift, 0, None)
        if weights.ndim != 2 or 0 in weights.shape:
            raise RheobaseError(
                f"AccumulatorLane: weights have shape {weights.shape}, must be (words, P)"
            )
        limit = 1 << (weight_bits - 1)
        if weights.min() < -limit or weights.max() >= limit:
            raise RheobaseError(
                f"AccumulatorLane: weights span {weights.min()}..{weights.max()}, must be "
                f"in {-limit}..{limit - 1} at {weight_bits} bits"
            )
        self.weights = weights
        self.weight_bits = weight_bits
        self.weight_memory = weight_memory
        self.style = style
        self.reset_less = not style.payload_resets
        self.sum_shape = signed_shape(bounds)
        self.event_shift = event_shift
        self.signed_trains = signed_trains
        self.event_layout = EventLayout(weights.shape[0], event_shift, signed_trains=signed_trains)
        super().__init__(
            {
                "events": In(stream.Signature(self.event_layout)),
                "sums": Out(stream.Signature(vector(self.sum_shape, weights.shape[1]))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.store = store = WeightStore(
            self.weights, self.weight_bits, self.weight_memory, style=self.style
        )
        # What is to be done with a word waits while the word is looked up, and then beside it.
        waiting = [
            Signal(_task(self.event_layout), name=f"asked_{cycle}")
            for cycle in range(store.latency)
        ]
        *_, asked, task = waiting
        moves = Signal(init=1)
        events = self.events.payload
        m.d.comb += [
            self.events.ready.eq(moves),
            store.moves.eq(moves),
            store.address.eq(events.address),
            # What an event adds that adds nothing.
            store.clears.eq(~asked.add),
        ]
        with m.If(moves):
            m.d.sync += [
                waiting[0].valid.eq(self.events.valid),
                waiting[0].add.eq(events.add),
                waiting[0].shift.eq(events.shift),
                *([waiting[0].negative.eq(events.negative)] if self.signed_trains else ()),
                waiting[0].last.eq(events.last),
                *(later.eq(sooner) for sooner, later in pairwise(waiting)),
            ]
        totals = self._totals(m, task, store.word)
        if self.style.spare_registers:
            self._sum_apart(m, asked, moves, totals)
        else:
            self._sum_in_place(m, task, moves, totals)
        return m

    def _totals(self, m: Module, task: data.View, weights: data.View) -> list[_Total]:
        """Each neuron's accumulator, and what it becomes with the weight."""
        found = []
        for neuron in range(len(weights)):
            # What clears it at the end of a sum clears it at the start as well.
            accumulator = Signal(
                self.sum_shape, name=f"accumulator_{neuron}", reset_less=self.reset_less
            )
            shifted = Signal(self.sum_shape, name=f"shifted_{neuron}")
            total = Signal(self.sum_shape, name=f"total_{neuron}")
            before = Signal(self.sum_shape, name=f"before_{neuron}")
            with m.Switch(task.shift):
                for amount in range(1, self.event_shift + 1):
                    with m.Case(amount):
                        m.d.comb += shifted.eq(before << amount)
                with m.Default():
                    m.d.comb += shifted.eq(before)
            if self.signed_trains:
                m.d.comb += total.eq(add_or_subtract(shifted, weights[neuron], task.negative))
            else:
                m.d.comb += total.eq(shifted + weights[neuron])
            found.append(_Total(accumulator, before, total))
        return found

    def _sum_in_place(
        self, m: Module, task: data.View, moves: Signal, totals: list[_Total]
    ) -> None:
        """The accumulators hold a sum until it is taken."""
        accumulates = Signal()
        begins = Signal(init=1)  # a sum, the one before having left
        m.d.comb += [
            moves.eq(~(task.valid & self.sums.valid & ~self.sums.ready)),
            accumulates.eq(task.valid & moves),
        ]
        with m.If(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        with m.If(accumulates):
            m.d.sync += begins.eq(task.last)
            with m.If(task.last):
                m.d.sync += self.sums.valid.eq(1)
        for neuron, (accumulator, before, total) in enumerate(totals):
            m.d.comb += [
                before.eq(Mux(begins, 0, accumulator)),
                self.sums.payload[neuron].eq(accumulator),
            ]
            with m.If(accumulates):
                m.d.sync += accumulator.eq(total)

    def _sum_apart(self, m: Module, asked: data.View, moves: Signal, totals: list[_Total]) -> None:
        """A sum leaves its accumulators for registers of its own.

        It is complete where the one before it has left: what is ready for that one would come late
        to everything here, and costs a cycle only in a unit of a single event. What becomes of a
        task is known a cycle before and held in registers, as P accumulators are far apart.
        """
        complete = payload_register(m, self.sums.payload, "complete")
        accumulates = Signal()
        completes = Signal()
        clears = Signal(init=1)  # the accumulators, which have no reset of their own
        comes_last = Signal()
        stays = Signal()
        waits = Signal()
        m.d.comb += [
            # A task that did not move was a last one.
            comes_last.eq(~moves | (asked.valid & asked.last)),
            stays.eq(completes | (self.sums.valid & ~self.sums.ready)),
            waits.eq(comes_last & stays),
        ]
        m.d.sync += [
            self.sums.valid.eq(stays),
            moves.eq(~waits),
            accumulates.eq((asked.valid | ~moves) & ~waits),
            completes.eq(comes_last & ~stays),
            clears.eq(comes_last & ~stays),
        ]
        for neuron, (accumulator, before, total) in enumerate(totals):
            m.d.comb += before.eq(accumulator)
            # Cleared at the end, not at the start, and by a condition that stands alone: then it
            # is the register's reset and costs no logic.
            with m.If(clears):
                m.d.sync += accumulator.eq(0)
            with m.Elif(accumulates):
                m.d.sync += accumulator.eq(total)
            with m.If(completes):
                m.d.sync += complete[neuron].eq(total)


class _Total(NamedTuple):
    """A neuron's accumulator, what of it goes into the sum, and the sum."""

    accumulator: Signal
    before: Signal
    total: Signal


def _task(event: EventLayout) -> data.StructLayout:
    """What an event asks for, without the address of its weight."""
    members = {name: shape for name, shape in event.members.items() if name != "address"}
    return data.StructLayout({"valid": 1} | members)
