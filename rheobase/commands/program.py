"""``rheobase program``: a bitstream to a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def program(
    bitstream: Annotated[Path, typer.Argument(help="Bitstream, or the folder of a build.")],
    board: Annotated[
        str | None, typer.Option(help="Board (default: what the build's manifest says).")
    ] = None,
    flash: Annotated[
        bool, typer.Option("--flash", help="Write the flash memory, for every start to come.")
    ] = False,
) -> None:
    """Configure a board with openFPGALoader."""
    from ..boards.host import program as host
    from ..console import OUT, working

    found, target = host.find_bitstream(bitstream, board)
    with working(f"programming {target.title}"):
        host.program(found, target, flash=flash)
    where = "flash memory" if flash else "the device"
    OUT.print(f"{target.title}: {found} is in {where}", highlight=False, soft_wrap=True)
    OUT.print(f"serial line: {target.note}", highlight=False, soft_wrap=True)
