"""Payloads on the way from neurons to the memory."""

from __future__ import annotations

from amaranth.lib import data

from ..design import EngineDesign
from ..layouts import TrainTagLayout
from ..neurons.neuron_line import numbers_layout
from ..program import ADDRESS_BITS
from .pooled_axis import words_shape
from .running_maximum import ElementLayout


class TrainPlaceLayout(data.StructLayout):
    """Which step of which train numbers are of; nothing in an engine for ``radix`` alone.

    Members:
        at: where the neurons' state is kept from step to step: of ``pool_words`` words.
        step: see ``TrainTagLayout``.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "at": words_shape(design) if design.rate else 0,
                "step": TrainTagLayout(design),
            }
        )


class ColumnLayout(ElementLayout):
    """F numbers (or currents) in one of the windows of their row; ``at`` is the columns' memory.

    Members of ``along``:
        words: of the pool's memory, from the row's first on.
        address: memory words, from the row's first number of the written map on.
        row_ends: nothing of the row comes after this.
        pass_ends: nor of the pass.
        train: see ``TrainPlaceLayout``; ``at`` is from the row's first word on.
    """

    def __init__(self, design: EngineDesign):
        along = data.StructLayout(
            {
                "words": words_shape(design),
                "address": ADDRESS_BITS,
                "row_ends": 1,
                "pass_ends": 1,
                "train": TrainPlaceLayout(design),
            }
        )
        super().__init__(design, design.column_words, along)


class PooledLayout(ElementLayout):
    """F numbers (or currents) in one of the windows that they are in; ``at`` is the pool's memory.

    Members of ``along``:
        address: memory word of the first number of the window's maximum.
        pass_ends: nothing of the pass comes after this.
        train: see ``TrainPlaceLayout``.
    """

    def __init__(self, design: EngineDesign):
        along = data.StructLayout(
            {"address": ADDRESS_BITS, "pass_ends": 1, "train": TrainPlaceLayout(design)}
        )
        super().__init__(design, design.pool_words, along)


class PlacedLayout(data.StructLayout):
    """F numbers (or currents) and where they go.

    Members:
        values: see ``numbers_layout``.
        address: memory word of the first of them.
        write: they are to be written.
        pass_ends: nothing of the pass comes after this.
        train: see ``TrainPlaceLayout``.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "values": numbers_layout(design),
                "address": ADDRESS_BITS,
                "write": 1,
                "pass_ends": 1,
                "train": TrainPlaceLayout(design),
            }
        )
