"""``rheobase program``: a bitstream to a board."""

from __future__ import annotations

from pathlib import Path

from ..boards.host.program import find_bitstream, program
from ..console import OUT, working


def run(path: Path, board: str | None, flash: bool) -> None:
    """Configure the board, or write its flash memory."""
    bitstream, target = find_bitstream(path, board)
    with working(f"programming {target.title}"):
        program(bitstream, target, flash=flash)
    where = "flash memory" if flash else "the device"
    OUT.print(f"{target.title}: {bitstream} is in {where}", highlight=False, soft_wrap=True)
    OUT.print(f"serial line: {target.note}", highlight=False, soft_wrap=True)
