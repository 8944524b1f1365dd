"""Event lane: from its share of the slabs to weighted sums for P neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.bounds import Interval
from ..design.folding import WeightMemory
from ..design.payloads import vector
from ..design.queues import LaneQueues
from ..design.style import FAST, Style
from ..memories.ram_queue import built_queue
from .accumulator import AccumulatorLane
from .event_scanner import EventScanner
from .slab_stage import SlabStage
from .word_filter import WordFilter


class EventLane(wiring.Component):
    """Slabs in, a weighted sum for each of P neurons and each unit out; a cycle for each event.

    ::

        slab -> stage -> filter -> [words] -> scanner -> accumulator -> [sums] -> sums
                                                          ^ weights

    The queues (in brackets) let lanes run ahead of one another, so that the layer's time comes
    close to the mean load of its lanes.

    Args:
        taps, planes, slabs, groups: shape of the lane's slabs (see ``LaneSlabLayout``).
        weights: (blocks * slabs * taps, P).
        weight_bits: width of a weight.
        separate_planes: planes that come as slabs of their own (T in radix spikes), else 1.
        bounds: of the lane's sums.
        blocks, slab_of: which weights a group and a slab share, see ``WordFilter``.
        queues: where words and sums wait.
        signed_trains: the first of the separate planes counts negative.
        style: of what is in the lane.
        weight_memory: see ``AccumulatorLane``.

    Members:
        slab: in, stream of ``LaneSlabLayout``; the lane's share of every slab.
        sums: out, stream; P sums, one for each unit.
        accumulating: out, one bit; a weight word is added in this cycle.
    """

    slab: stream.Interface
    sums: stream.Interface
    accumulating: Signal

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
        queues: LaneQueues,
        signed_trains: bool = False,
        style: Style = FAST,
        weight_memory: WeightMemory | None = None,
    ):
        word_shift = separate_planes - 1
        # Empty planes are rare beside all else that a window holds: a cycle each will do.
        event_shift = min(1, max(planes - 1, word_shift))
        self.queues = queues
        self.filter = WordFilter(
            taps,
            planes,
            slabs,
            groups,
            word_shift,
            blocks,
            slab_of,
            signed_trains=signed_trains,
            style=style,
        )
        slab_layout = self.filter.slab_layout
        self.stage = SlabStage(slab_layout, style=style)
        self.scanner = EventScanner(
            taps,
            planes,
            len(weights),
            word_shift,
            event_shift,
            signed_trains=signed_trains,
            style=style,
        )
        self.accumulator = AccumulatorLane(
            weights,
            weight_bits,
            event_shift,
            bounds,
            weight_memory,
            signed_trains=signed_trains,
            style=style,
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
        if self.queues.words is not None:
            m.submodules.words = words = built_queue(
                self.queues.words, self.filter.word_layout, reset_less=True
            )
        m.submodules.scanner = scanner = self.scanner
        m.submodules.accumulator = self.accumulator
        wiring.connect(m, wiring.flipped(self.slab), self.stage.slabs)
        wiring.connect(m, self.stage.noted, self.filter.slab)
        if self.queues.words is not None:
            wiring.connect(m, self.filter.words, words.input)
            wiring.connect(m, words.output, scanner.words)
        else:
            wiring.connect(m, self.filter.words, scanner.words)
        wiring.connect(m, scanner.events, self.accumulator.events)
        if self.queues.sums is not None:
            m.submodules.sum_queue = sums = built_queue(self.queues.sums, self.sums_layout)
            wiring.connect(m, self.accumulator.sums, sums.input)
            wiring.connect(m, sums.output, wiring.flipped(self.sums))
        else:
            wiring.connect(m, self.accumulator.sums, wiring.flipped(self.sums))
        events = scanner.events
        m.d.comb += self.accumulating.eq(events.valid & events.ready & events.payload.add)
        return m
