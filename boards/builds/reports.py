"""What nextpnr reports of a placed and routed design."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...golden.errors import MachineError
from ...hw.memories.devices import Device, Family

#: What the report calls the cells that count, per family.
_CELLS = {
    Family.ECP5: {"LUT4": "TRELLIS_COMB", "flip-flops": "TRELLIS_FF", "block RAMs": "DP16KD"},
    Family.ICE40: {
        "LUT4": "ICESTORM_LC",
        "block RAMs": "ICESTORM_RAM",
        "large RAMs": "ICESTORM_SPRAM",
    },
    Family.GOWIN: {
        "LUT4": "LUT4",
        "distributed RAMs": "RAM16SDP4",
        "flip-flops": "DFF",
        "block RAMs": "BSRAM",
    },
}
#: Look-up tables whose place another cell takes, which the report of a routed design leaves out.
_BLOCKED = {Family.GOWIN: {"ALU": 1, "RAM16SDP4": 4}}


@dataclass(frozen=True)
class Usage:
    """Cells used, of those that the device has."""

    used: int
    available: int


@dataclass(frozen=True)
class PlacedDesign:
    """Attributes:
    frequency: of the design's clock, as routed, Hz; infinite where nothing is clocked by it.
    constraint: what it has to reach, Hz.
    usage: by kind of cell.
    """

    frequency: float
    constraint: float
    usage: dict[str, Usage]

    @property
    def meets_timing(self) -> bool:
        return self.frequency >= self.constraint


def beyond_data_sheet(usage: Mapping[str, Usage], device: Device) -> str:
    """What the design takes that the device is not sold with, in words; "" where there is none.

    The tools know dies, and a device may be sold with less than its die has (LFE5U-12F).
    """
    sold = {"LUT4": device.luts, "block RAMs": device.block_rams}
    taken = {kind: usage[kind].used for kind in sold if kind in usage}
    beyond = [
        f"{used:,} {kind} (sold with {sold[kind]:,})"
        for kind, used in taken.items()
        if used > sold[kind]
    ]
    return ", ".join(beyond)


def parse_utilisation(log: str, family: Family) -> dict[str, Usage]:
    """Cells that nextpnr's log says a design wants; none where it did not come so far."""
    found = re.findall(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", log, re.MULTILINE)
    cells = {name: Usage(int(used), int(available)) for name, used, available in found}
    return {kind: cells[cell] for kind, cell in _CELLS[family].items() if cell in cells}


def parse_report(text: str, family: Family, clock: int) -> PlacedDesign:
    """nextpnr's ``--report`` of a design whose clock is ``clock`` Hz.

    What is clocked by twice that, if anything is, counts with half the frequency that it reaches.

    Raises:
        MachineError: the text is no such report, or has no clock with such a constraint.
    """
    try:
        report: dict[str, Any] = json.loads(text)
        clocks = [(1e6 * c["achieved"], 1e6 * c["constraint"]) for c in report["fmax"].values()]
        cells = report["utilization"]
        usage = {
            kind: Usage(int(cells[cell]["used"]), int(cells[cell]["available"]))
            for kind, cell in _CELLS[family].items()
            if cell in cells
        }
        for cell, places in _BLOCKED.get(family, {}).items():
            if cell in cells and "LUT4" in usage:
                more = places * int(cells[cell]["used"])
                usage["LUT4"] = replace(usage["LUT4"], used=usage["LUT4"].used + more)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MachineError(f"nextpnr's report cannot be read ({error!r})") from error
    # nextpnr rounds periods to picoseconds, so the constraint is not the clock to the last digit.
    ours = [
        (achieved / times, constraint / times)
        for achieved, constraint in clocks
        for times in (1, 2)
        if abs(constraint / (times * clock) - 1) < 1e-3
    ]
    if not ours:
        raise MachineError(f"nextpnr's report has no clock of {clock / 1e6:g} MHz")
    frequency, constraint = min(ours)
    return PlacedDesign(frequency, constraint, usage)
