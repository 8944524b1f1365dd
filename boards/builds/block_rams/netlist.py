"""Places of block RAMs, written into what nextpnr reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

#: The block RAM of an ECP5, and the attribute that nextpnr takes a cell's place from.
_CELL, _PLACE = "DP16KD", "BEL"


def place_block_rams(
    netlist: Path, places: Callable[[Iterable[str]], Mapping[str, str]]
) -> dict[str, str]:
    """Give the block RAMs of ``netlist``, which yosys wrote, the places that ``places`` has.

    Args:
        places: takes names of cells, and gives a place for some of them or all.

    Returns:
        the places.
    """
    content = json.loads(netlist.read_text())
    cells = {
        name: cell
        for module in content["modules"].values()
        for name, cell in module["cells"].items()
        if cell["type"] == _CELL
    }
    found = dict(places(cells))
    for name, place in found.items():
        cells[name]["attributes"][_PLACE] = place
    if found:
        netlist.write_text(json.dumps(content))
    return found
