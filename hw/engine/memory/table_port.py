"""The port by which a pass's table is written."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ...basics.shapes import index_shape
from ..design import EngineDesign
from ..program import TABLES, table_sizes
from ..record_layouts import record_layout


class TablePort(wiring.Signature):
    """Writes of records, one at a time.

    Members:
        write: out; ``record`` is written in this cycle.
        index: out; where in the table.
        record: out; as the table's records are laid out.
    """

    def __init__(self, design: EngineDesign, table: str):
        super().__init__(
            {
                "write": Out(1),
                "index": Out(index_shape(table_sizes(design)[table])),
                "record": Out(record_layout(TABLES[table](design))),
            }
        )
