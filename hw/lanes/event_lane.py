"""Event lane: from its share of the slabs to weighted sums for P neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.bounds import Interval
from ..design.payloads import vector
from ..memories.block_queue import long_queue
from ..memories.memory_shape import WeightMemory
from .accumulator import AccumulatorLane
from .event_scanner import EventScanner
from .slab_stage import SlabStage
from .word_filter import WordFilter

#: Words that a lane may be ahead of or behind the others: what a distributed RAM of the common
#: FPGAs holds at least.
WORD_QUEUE_DEPTH = 16
#: Sums that a lane may be ahead of the others, where a unit is a whole train of spikes or a window
#: of pixels: a unit that takes long in one lane would hold up all others.
SUM_QUEUE_DEPTH = 16


class EventLane(wiring.Component):
    """Filter, queue, scanner and accumulators of one lane; for trains and pixels a queue of sums.

    The queues let lanes run ahead of one another, so that the layer's time comes close to the
    mean load of its lanes.

    Args:
        taps, planes, slabs, groups: shape of the lane's slabs (see ``LaneSlabLayout``).
        weights: (blocks * slabs * taps, P).
        weight_bits: width of a weight.
        separate_planes: planes that come as slabs of their own (T in radix spikes), else 1.
        bounds: of the lane's sums.
        blocks, slab_of: which weights a group and a slab share, see ``WordFilter``.
        queues_sums: sums wait in a queue, so that a unit that takes long in one lane does not hold
            up all others.
        alone: the only lane of its layer, which has nothing to run ahead of.
        compact: words and sums do not wait in registers of their own where the lane is ``alone``;
            where it is not, its queues are in block RAM.
        weight_memory: see ``AccumulatorLane``.
    """

    def __init__(
        self,
        *,
        taps: int,
        planes: int,
        slabs: int,
        groups: int,
        weights: np.ndarray,
        weight_bits: int,
        separate_planes: int,
        bounds: Interval,
        blocks: Sequence[int] | None = None,
        slab_of: Sequence[int] | None = None,
        queues_sums: bool = False,
        alone: bool = False,
        compact: bool = False,
        weight_memory: WeightMemory | None = None,
    ):
        word_shift = separate_planes - 1
        # Empty planes are rare beside all else that a window holds: a cycle each will do.
        event_shift = min(1, max(planes - 1, word_shift))
        self.alone = alone
        self.block_queues = compact and not alone
        compact = alone and compact
        self.queues_words = not compact
        self.queues_sums = queues_sums
        self.filter = WordFilter(
            taps, planes, slabs, groups, word_shift, blocks, slab_of, compact=compact
        )
        slab_layout = self.filter.slab_layout
        self.stage = SlabStage(slab_layout, compact=compact)
        self.scanner = EventScanner(
            taps, planes, len(weights), word_shift, event_shift, compact=compact
        )
        self.accumulator = AccumulatorLane(
            weights, weight_bits, event_shift, bounds, weight_memory, compact=compact
        )
        self.sum_shape = self.accumulator.sum_shape
        self.sums_layout = vector(self.sum_shape, weights.shape[1])
        super().__init__(
            {
                "slab": In(stream.Signature(slab_layout)),
                "sums": Out(stream.Signature(self.sums_layout)),
                "accumulating": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.stage = self.stage
        m.submodules.filter = self.filter
        if self.queues_words:
            m.submodules.words = words = long_queue(
                self.filter.word_layout,
                2 if self.alone else WORD_QUEUE_DEPTH,
                blocks=self.block_queues,
                reset_less=True,
            )
        m.submodules.scanner = scanner = self.scanner
        m.submodules.accumulator = self.accumulator
        wiring.connect(m, wiring.flipped(self.slab), self.stage.slabs)
        wiring.connect(m, self.stage.noted, self.filter.slab)
        if self.queues_words:
            wiring.connect(m, self.filter.words, words.input)
            wiring.connect(m, words.output, scanner.words)
        else:
            wiring.connect(m, self.filter.words, scanner.words)
        wiring.connect(m, scanner.events, self.accumulator.events)
        if self.queues_sums:
            m.submodules.sum_queue = sums = long_queue(
                self.sums_layout, SUM_QUEUE_DEPTH, blocks=self.block_queues
            )
            wiring.connect(m, self.accumulator.sums, sums.input)
            wiring.connect(m, sums.output, wiring.flipped(self.sums))
        else:
            wiring.connect(m, self.accumulator.sums, wiring.flipped(self.sums))
        events = scanner.events
        m.d.comb += self.accumulating.eq(events.valid & events.ready & events.payload.add)
        return m
