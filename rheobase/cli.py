"""The ``rheobase`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import cli_conversion, cli_hardware  # noqa: F401  (each adds its commands to the app)
from .cli_app import app
from .failures import DIFFERS, finish


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "build/demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
) -> None:
    """Train a small CNN on scanned digits, convert it, and prove its Verilog on all of them."""
    from .commands.demo import run

    if not run(output, seed):
        raise typer.Exit(DIFFERS)


def main() -> None:
    """Entry point; every failure is one line on standard error (``failures``)."""
    with finish():
        app()
