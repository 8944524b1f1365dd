"""Which block RAM of an engine lies where."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ....hw.memories.devices import Device
from .sites import block_ram_rows

#: The lane of a block RAM, and of a lane's weights which memory word it keeps.
_LANE = re.compile(r"\bengine\.lane_(\d+)\.")
_PART = re.compile(r"\bpart_(\d+)\b")
#: Lanes with which it was measured that this helps: one at each end of a row of an LFE5U-85F.
LANES = 8
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

        lane | what all lanes share | lane       a row of the die

    A lane begins at each end of a row, the weights of a group's first channels innermost: their
    sums leave first. Lanes whose sums are added first (``TurnJoin``: even ones, and odd ones) are
    neighbours. The rest lies between them.

    Args:
        cells: names of the block RAMs, with those of the modules they are in.

    Returns:
        a place for each cell of the engine; none at all where there are not enough, or not
        ``LANES`` lanes and an end for each. What is around the engine is left to the placer, as
        pins decide about it.
    """
    lanes: dict[int, list[str]] = defaultdict(list)
    shared = []
    for cell in cells:
        lane = lane_of(cell)
        if lane is not None:
            lanes[lane].append(cell)
        elif ".engine." in cell:
            shared.append(cell)
    rows = block_ram_rows(device)
    ends = _ends(len(rows))
    if not len(lanes) == LANES == len(ends):
        return {}
    places: dict[str, str] = {}
    in_order = sorted(lanes, key=lambda lane: (lane % 2, lane))
    for lane, (row, right) in zip(in_order, ends, strict=True):
        sites = rows[row][::-1] if right else rows[row]
        sites = [site for site in sites if site not in places.values()]
        places |= zip(sorted(lanes[lane], key=_outermost_first), sites, strict=False)
    free = [[site for site in row if site not in places.values()] for row in _middle_first(rows)]
    if len(places) != sum(map(len, lanes.values())) or len(shared) > sum(map(len, free)):
        return {}
    shared.sort(key=_along_the_way)
    for between in free:
        count = min(len(shared), len(between))
        first = (len(between) - count) // 2
        places |= zip(shared[:count], between[first:], strict=False)
        del shared[:count]
    return places


def _ends(rows: int) -> list[tuple[int, bool]]:
    """A row and whether its right end, one after another.

    Neighbours in the list are neighbours on the die: by halves of it, by sides, by rows.
    """
    halves = [range(first, min(first + 2, rows)) for first in range(0, rows, 2)]
    return [(row, right) for half in halves for right in (False, True) for row in half]


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
