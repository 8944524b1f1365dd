"""A connection whose lanes search slabs for events."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from amaranth import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data

from ..basics.table import lookup
from ..design.connection_design import ConnectionDesign
from ..design.partition import lane_weights, swapped, swapped_weights
from ..design.payloads import member_bits
from ..lanes.event_lane import EventLane
from .connection import ConnectionPath


class EventConnection(ConnectionPath):
    """``ConnectionPath`` whose E event lanes have a share of every slab each."""

    def __init__(self, design: ConnectionDesign):
        blocks = design.stored_blocks()
        super().__init__(
            design, [event_lane(design, lane, blocks) for lane in range(len(design.shares))]
        )

    def _deal(self, m: Module, slab: data.View, lane: int, bits: data.View) -> None:
        """The bits of the slab that are ``lane``'s."""
        seen = self._seen(m, slab, lane)
        bits = bits.as_value()
        shares = self.design.shares
        if not self.design.swaps:
            share = shares[lane]
            m.d.comb += bits.eq(
                Cat(
                    seen(tap.row, tap.column, plane, tap.channel)
                    for plane in share.planes
                    for tap in share.taps
                )
            )
            return
        dealt = [share.taps for share in shares]
        # Where slabs are fewer than lanes, some turns never come.
        turns = [s % len(shares) for s in self.design.slab_of]
        turn = lookup(m, slab.slab, turns, name=f"turn_{lane}")
        with m.Switch(turn):
            for number in reversed(range(max(turns) + 1)):
                taps = swapped(dealt, lane, number)
                own = Cat(Const(0) if tap is None else seen(0, 0, 0, tap.channel) for tap in taps)
                with m.Case(number) if number else m.Default():
                    m.d.comb += bits.eq(own)

    def _seen(self, m: Module, slab, lane: int) -> Callable[[int, int, int, int], Value]:
        """The slab's bits that the unit's group sees, by row, column, plane and channel."""
        design = self.design
        known = design.synapses
        group = slab.unit.group
        count = known.channels
        first = design.part.first_channel

        def stored(row: int, column: int, plane: int, start: int, stop: int) -> Value:
            return member_bits(slab, "bits", row, column, plane, start=start, stop=stop)

        if known.kernel_group_of is None and known.seen is None:
            return lambda row, column, plane, channel: stored(
                row, column, plane, first + channel, first + channel + 1
            )

        def masked(row: int, column: int, plane: int) -> Value:
            return stored(row, column, plane, first, first + count) & mask

        def own_kernel_group(row: int, column: int, plane: int) -> Value:
            result = Signal(count)
            with m.Switch(group):
                for index, seen_group in enumerate(known.kernel_group_of):
                    with m.Case(index):
                        start = first + seen_group * count
                        m.d.comb += result.eq(stored(row, column, plane, start, start + count))
            return result

        if known.kernel_group_of is None:
            masks = [sum(int(bit) << i for i, bit in enumerate(seen)) for seen in known.seen]
            mask = lookup(m, group, masks, name=f"seen_{lane}", shape=unsigned(count))
        choose = masked if known.kernel_group_of is None else own_kernel_group
        rows = [
            [
                [choose(row, column, plane) for plane in range(design.planes)]
                for column in range(design.slab_columns)
            ]
            for row in range(design.slab_rows)
        ]
        return lambda row, column, plane, channel: rows[row][column][plane][channel]


def event_lane(design: ConnectionDesign, lane: int, blocks: np.ndarray) -> EventLane:
    """Lane ``lane`` of a connection; ``blocks`` are its ``stored_blocks``."""
    built = design.lane_designs[lane]
    if design.swaps:
        weights = swapped_weights(blocks, [share.taps for share in design.shares], lane)
    else:
        weights = lane_weights(blocks, design.shares[lane].taps, design.slab_columns)
    return EventLane(
        taps=built.taps,
        planes=built.planes,
        slabs=len(design.slab_of),
        groups=1 if design.streamed else design.groups,
        weights=weights,
        weight_bits=design.connection.weight_bits,
        separate_planes=design.separate_planes,
        bounds=built.sums,
        blocks=None if design.streamed else design.synapses.block_of,
        slab_of=design.slab_of,
        queues=design.queues,
        signed_trains=design.signed_trains,
        style=design.lane_style,
        weight_memory=design.weight_memory,
    )
