"""The ports by which a pass's tables are written."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ...basics.shapes import index_shape
from ..design import WORD_BITS, EngineDesign
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


class TableWordsPort(wiring.Signature):
    """The same of a table that is kept memory word by memory word.

    Members:
        write: out; ``word`` is written in this cycle.
        index: out; of the record in the table.
        part: out; of the word in the record.
        word: out.
    """

    def __init__(self, design: EngineDesign, table: str):
        super().__init__(
            {
                "write": Out(1),
                "index": Out(index_shape(table_sizes(design)[table])),
                "part": Out(index_shape(TABLES[table](design).words)),
                "word": Out(WORD_BITS),
            }
        )


#: Tables that are kept word by word.
WORD_TABLES = ("sources", "parameters")


def table_port(design: EngineDesign, table: str) -> wiring.Signature:
    """The port of ``table``."""
    return (TableWordsPort if table in WORD_TABLES else TablePort)(design, table)
