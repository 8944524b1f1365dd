"""How a layer is built where speed, cells and memories are at odds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """One choice for each of these; ``FAST`` and ``COMPACT`` are the two that are in use.

    Attributes:
        name: what messages and tables call it.
        path_registers: registers that only make paths shorter are there: between the parts of a
            window buffer, in front of a lane's filter, for what neurons know beforehand of a step,
            in front of the whole accelerator and in its reset.
        spare_registers: a sum, and a gathered window of pixels, leaves the registers that it was
            made in for others, so that the next one can begin.
        payload_resets: registers of payloads have a reset, which nothing needs but an iCE40's
            tiles: registers with and without one cannot share them.
        memory_banks: deep memories are several, with selectors of ours behind registers.
        ram_queues: queues that let lanes run ahead of one another are in block RAM.
    """

    name: str
    path_registers: bool
    spare_registers: bool
    payload_resets: bool
    memory_banks: bool
    ram_queues: bool


#: Where a register lies in front of every look-up table, and small memories are look-up tables.
FAST = Style(
    "fast",
    path_registers=True,
    spare_registers=True,
    payload_resets=False,
    memory_banks=True,
    ram_queues=False,
)
#: For fewer cells and a lower clock, where a register takes a cell of its own, as on iCE40.
COMPACT = Style(
    "compact",
    path_registers=False,
    spare_registers=False,
    payload_resets=True,
    memory_banks=False,
    ram_queues=True,
)
