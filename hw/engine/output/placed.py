"""Payloads on the way from neurons to the memory."""

from __future__ import annotations

from amaranth.lib import data

from ...basics.shapes import index_shape
from ..design import EngineDesign
from ..neurons.neuron_line import numbers_layout
from ..program import ADDRESS_BITS


class PooledLayout(data.StructLayout):
    """F numbers (or currents) in one of the windows that they are in.

    Members:
        values: see ``numbers_layout``.
        at: word of the pool's memory.
        address: memory word of the first number of the window's maximum.
        counts: there is a window at all, and its channels are written.
        first, last: of the window's positions.
        pass_ends: nothing of the pass comes after this.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "values": numbers_layout(design),
                "at": index_shape(design.pool_words),
                "address": ADDRESS_BITS,
                "counts": 1,
                "first": 1,
                "last": 1,
                "pass_ends": 1,
            }
        )


class PlacedLayout(data.StructLayout):
    """F numbers (or currents) and where they go.

    Members:
        values: see ``numbers_layout``.
        address: memory word of the first of them.
        write: they are to be written.
        pass_ends: nothing of the pass comes after this.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "values": numbers_layout(design),
                "address": ADDRESS_BITS,
                "write": 1,
                "pass_ends": 1,
            }
        )
