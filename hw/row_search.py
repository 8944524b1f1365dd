"""Rows of buffers beside the fewest, which even out rows that take longer than others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .area import Area, word_widths
from .folding import Folding, connection_row_words
from .streamed_readout import is_streamed

if TYPE_CHECKING:
    from .folding_search import Budget, Planner

#: Rows that a buffer may have beside the fewest: more gain next to nothing.
MOST_EXTRA_ROWS = 3
#: Rows that are worth block RAMs.
PAID_EXTRA_ROWS = 2
#: Look-up tables that a row may take: those of a column buffer grow with its rows.
_WORTH = 60.0


def with_extra_rows(planner: Planner, folding: Folding, budget: Budget, *, pay: bool) -> Folding:
    """``folding`` with extra rows as ``budget`` allows.

    A block RAM is rarely filled by the fewest rows: what is left of it is used. With ``pay`` the
    block RAMs that ``budget`` has left are used as well, for shortcuts first.
    """
    network = planner.network
    extra = [[0] * len(layer.connections) for layer in network.layers]
    wanted = []
    for index, fold in enumerate(folding):
        if is_streamed(network, index, fold.neurons):
            continue
        widths = word_widths(network, index, folding)
        rows = connection_row_words(network, index, fold)
        for number, width in enumerate(widths):
            areas = [
                planner.buffer_area(index, number, rows[number], width, count)
                for count in range(MOST_EXTRA_ROWS + 1)
            ]
            free = [
                count for count, area in enumerate(areas)
                if area.block_rams == areas[0].block_rams
                and area.luts - areas[0].luts <= _WORTH * count
            ]  # fmt: skip
            extra[index][number] = max(free)
            for count in range(max(free) + 1, PAID_EXTRA_ROWS + 1):
                more = Area(
                    areas[count].luts - areas[count - 1].luts,
                    areas[count].block_rams - areas[count - 1].block_rams,
                )
                # A shortcut's rows go first: it holds its source back from running ahead by a row
                # for each layer that it passes.
                passed = index - network.layers[index].connections[number].source
                wanted.append((count, -passed, more.block_rams, more.luts, index, number))
    found = _with(folding, extra)
    if not budget.holds(planner.total_area(found)):
        return folding
    if not pay or budget.block_rams is None:
        return found
    area = planner.total_area(found)
    for count, _, blocks, luts, index, number in sorted(wanted):
        more = Area(area.luts + luts, area.block_rams + blocks)
        if extra[index][number] == count - 1 and luts <= _WORTH and budget.holds(more):
            extra[index][number] = count
            area = more
    return _with(folding, extra)


def _with(folding: Folding, extra: list[list[int]]) -> Folding:
    return tuple(
        replace(fold, extra_rows=tuple(rows) if any(rows) else None)
        for fold, rows in zip(folding, extra, strict=True)
    )
