"""Which block RAM of an engine lies where."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ....golden.basics.arithmetic import ceil_div
from ....hw.memories.devices import Device
from .sites import block_ram_rows

#: The lane of a block RAM, and of a lane's weights which memory word it keeps.
_LANE = re.compile(r"\bengine\.lane_(\d+)\.")
_PART = re.compile(r"\bpart_(\d+)\b")
#: The engine's other parts that have block RAMs, in the order in which numbers go through them.
_THEN = (
    "neurons",
    "chunk_sum",
    "columns",
    "rows",
    "maximum",
    "trains",
    "writer",
    "order",
    "walker",
    "buffer",
    "reader",
    "sequencer",
)


def lane_of(cell: str) -> int | None:
    """The lane that the block RAM ``cell`` is part of; None where it is of none."""
    found = _LANE.search(cell)
    return int(found[1]) if found else None


def floorplan(cells: Iterable[str], device: Device) -> dict[str, str]:
    """Places of block RAMs, so that those of a lane lie side by side.

    ::

        lane ... lane | what all lanes share | lane ... lane       a row of the die

    Lanes are shared out evenly among the rows and begin at their ends, the weights of a group's
    first channels innermost: their sums leave first. The rest lies between them, in the middle
    of each row.

    Args:
        cells: names of the block RAMs, with those of the modules they are in.

    Returns:
        a place for each cell; none at all where there are not enough.
    """
    lanes: dict[int, list[str]] = defaultdict(list)
    shared = []
    for cell in cells:
        lane = lane_of(cell)
        if lane is None:
            shared.append(cell)
        else:
            lanes[lane].append(cell)
    rows = block_ram_rows(device)
    places: dict[str, str] = {}
    free = []
    each = ceil_div(len(lanes), len(rows))
    in_order = [sorted(lanes[lane], key=_outermost_first) for lane in sorted(lanes)]
    for row, sites in enumerate(_middle_first(rows)):
        here = in_order[row * each : (row + 1) * each]
        left = [cell for lane in here[: len(here) // 2] for cell in lane]
        right = [cell for lane in here[len(here) // 2 :] for cell in lane]
        if len(left) + len(right) > len(sites):
            return {}
        places |= zip(left, sites, strict=False)
        places |= zip(right, reversed(sites), strict=False)
        between = sites[len(left) : len(sites) - len(right)]
        free.append(between)
    if len(shared) > sum(map(len, free)):
        return {}
    shared.sort(key=_along_the_way)
    for between in free:
        count = min(len(shared), len(between))
        first = (len(between) - count) // 2
        places |= zip(shared[:count], between[first:], strict=False)
        del shared[:count]
    return places


def _middle_first(rows: Sequence[list[str]]) -> list[list[str]]:
    """Rows of the die from its middle outwards."""
    middle = (len(rows) - 1) / 2
    order = sorted(range(len(rows)), key=lambda row: (abs(row - middle), row))
    return [rows[row] for row in order]


def _outermost_first(cell: str) -> tuple[int, str]:
    """Weights by their memory word, the last one first; then what else a lane has."""
    part = _PART.search(cell)
    return (-int(part[1]) if part else 1, cell)


def _along_the_way(cell: str) -> tuple[int, list[tuple[bool, int, str]]]:
    """The part of the engine, then its block RAMs by number."""
    parts = [f"engine.{part}." in cell for part in _THEN]
    return parts.index(True) if any(parts) else len(parts), _natural(cell)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    pieces = re.split(r"(\d+)", name)
    return [(piece.isdigit(), int(piece) if piece.isdigit() else 0, piece) for piece in pieces]
