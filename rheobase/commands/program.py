"""``rheobase program``: a bitstream to a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..results.hardware import Programmed


def program(
    bitstream: Annotated[Path, typer.Argument(help="Bitstream, or the folder of a build.")],
    board: Annotated[
        str | None, typer.Option(help="Board (default: what the build's manifest says).")
    ] = None,
    flash: Annotated[
        bool, typer.Option("--flash", help="Write the flash memory, for every start to come.")
    ] = False,
) -> Programmed:
    """Configure a board with openFPGALoader."""
    from ..boards.host import program as host
    from ..console import say, working

    found, target = host.find_bitstream(bitstream, board)
    with working(f"programming {target.title}"):
        host.program(found, target, flash=flash)
    where = "flash memory" if flash else "the device"
    say(f"{target.title}: {found} is in {where}")
    say(f"serial line: {target.note}")
    return Programmed(board=target.id, bitstream=str(found), flash=flash, serial_line=target.note)
