"""What parts of the map reader tell one another of a row that is read."""

from __future__ import annotations

from amaranth.lib import data

from ...basics.shapes import index_shape
from ..design import EngineDesign
from ..program import ADDRESS_BITS, EXTENT_BITS


class RowBurstsLayout(data.StructLayout):
    """Where a row lies in memory: see ``program.source_record``; ``address`` of its first word."""

    def __init__(self):
        super().__init__(
            {
                "address": ADDRESS_BITS,
                "pieces": EXTENT_BITS,
                "piece_words": EXTENT_BITS,
                "piece_stride": ADDRESS_BITS,
            }
        )


class RowFillLayout(data.StructLayout):
    """Where a row goes to: ``address`` is the first word of its slot in the row buffer.

    With ``complete`` it stands for no row: those in front of it are all that a row of windows sees.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "address": index_shape(design.buffer_words),
                "supers": EXTENT_BITS,
                "super_reads": EXTENT_BITS,
                "complete": 1,
            }
        )
