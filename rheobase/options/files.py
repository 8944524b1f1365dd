"""Files and folders that commands read and write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..golden.basics.output_files import check_folder
from ..golden.errors import RheobaseError

NetworkFile = Annotated[Path, typer.Argument(help="Network file that `rheobase convert` wrote.")]
ProgramFile = Annotated[Path, typer.Argument(help="Program that `rheobase compile` wrote.")]
OutputFile = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
OutputFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")]


def check_output_folder(output: Path) -> None:
    """Raise ``RheobaseError`` where no folder ``output`` can be made or written to."""
    if not output.parent.is_dir():
        raise RheobaseError(f"{output}: no folder {output.parent} to write to")
    check_folder(output)
