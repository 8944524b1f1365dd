"""Rows of buffers beside the fewest, which even out rows that take longer than others."""

from __future__ import annotations

from dataclasses import replace

from ....golden.network.network import IMAGE, Network
from ...design.buffering import Rows
from ...design.folding import Folding
from ..plan import Budget
from ..priced_network import PricedNetwork

#: Rows that a buffer may have beside the fewest: more gain next to nothing.
MOST_EXTRA_ROWS = 3
#: Rows that are worth block RAMs.
PAID_EXTRA_ROWS = 2
#: Look-up tables that a row may take: those of a column buffer grow with its rows.
_WORTH = 60.0


def rows_beside(network: Network, shortcuts: int, others: int) -> Rows:
    """So many rows for each buffer of spikes that passes layers, and for each that does not."""
    return tuple(
        tuple(
            0
            if connection.source == IMAGE
            else shortcuts
            if index - connection.source > 1
            else others
            for connection in layer.connections
        )
        for index, layer in enumerate(network.layers)
    )


def with_extra_rows(
    priced: PricedNetwork, folding: Folding, budget: Budget, *, pay: bool
) -> Folding:
    """``folding`` with more extra rows than it has, as ``budget`` allows.

    A block RAM is rarely filled by the fewest rows: what is left of it is used. With ``pay`` the
    block RAMs that ``budget`` has left are used as well. A shortcut's rows go first: it holds its
    source back from running ahead by a row for each layer that it passes.
    """
    network = priced.network
    extra = [
        list(fold.rows_beside((0,) * len(layer.connections)))
        for fold, layer in zip(folding, network.layers, strict=True)
    ]
    steps = []
    for index in range(len(folding)):
        design = priced.design(index, folding)
        if design.unbuffered:
            continue
        for number, connection in enumerate(design.connections):
            passed = index - connection.connection.source
            fewest = priced.spare_rows[index][number]
            areas = [
                priced.buffer_area(
                    index,
                    number,
                    connection.row_words,
                    connection.word_width,
                    fewest + count,
                    design.fold.lane_kind,
                )
                for count in range(MOST_EXTRA_ROWS + 1)
            ]
            for count in range(extra[index][number] + 1, MOST_EXTRA_ROWS + 1):
                more = areas[count] - areas[count - 1]
                paid = more.block_rams > 0
                if more.luts <= _WORTH and not (paid and (not pay or count > PAID_EXTRA_ROWS)):
                    steps.append((paid, count, -passed, index, number, more))
    area = priced.total_area(folding)
    for _, count, _, index, number, more in sorted(steps, key=lambda step: step[:5]):
        total = area + more
        if extra[index][number] == count - 1 and budget.holds(total):
            extra[index][number] = count
            area = total
    return tuple(
        replace(fold, extra_rows=tuple(rows) if any(rows) else None)
        for fold, rows in zip(folding, extra, strict=True)
    )
