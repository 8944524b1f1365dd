"""The ``rheobase`` command."""

from __future__ import annotations

from typing import Annotated

import typer

from .commands.boards import boards
from .commands.build import build
from .commands.classify import classify
from .commands.compile import compile
from .commands.convert import convert
from .commands.demo import demo
from .commands.diagnose import diagnose
from .commands.doctor import doctor
from .commands.energy import energy
from .commands.evaluate import evaluate
from .commands.export_nir import export_nir
from .commands.generate import generate
from .commands.import_nir import import_nir
from .commands.inspect import inspect
from .commands.program import program
from .commands.report import report
from .commands.simulate import simulate
from .commands.sweep import sweep
from .commands.table1 import table1
from .commands.view import view
from .failures import finish
from .options.groups import with_groups

#: By the title that they have in the help.
COMMANDS = {
    "All of it once": (demo,),
    "A model to a network file": (convert,),
    "A network file to hardware": (generate, simulate, view, build, compile),
    "Other tools": (export_nir, import_nir),
    "A board": (program, classify),
    "What there is": (inspect, boards, doctor),
    "Measurements": (report, diagnose, sweep, table1, evaluate, energy),
}

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _title, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_title)(with_groups(_command))


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"rheobase {__version__}")
        raise typer.Exit


@app.callback()
def _rheobase(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """From a trained PyTorch CNN to a spiking accelerator on an FPGA, proven spike by spike."""


def main() -> None:
    """Entry point; every failure is one line on standard error (``failures``)."""
    with finish():
        app()
