"""The ``rheobase`` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
from .commands.engine import engine
from .commands.evaluate import evaluate
from .commands.export_nir import export_nir
from .commands.generate import generate
from .commands.import_nir import import_nir
from .commands.inspect import inspect
from .commands.load import load
from .commands.program import program
from .commands.report import report
from .commands.run import run
from .commands.simulate import simulate
from .commands.sweep import sweep
from .commands.table1 import table1
from .commands.view import view
from .failures import INTERRUPTED, finish
from .options.groups import with_groups
from .options.output import command_name, with_output
from .results.envelope import print_failure

#: By the title that they have in the help.
COMMANDS = {
    "All of it once": (demo,),
    "A model to a network file": (convert,),
    "A network file to hardware": (generate, simulate, view, build, compile, engine),
    "Other tools": (export_nir, import_nir),
    "A board": (program, classify, load, run),
    "What there is": (inspect, boards, doctor),
    "Measurements": (report, diagnose, sweep, table1, evaluate, energy),
}

app = typer.Typer(
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _title, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_title)(with_groups(with_output(_command)))


def _print_version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"rheobase {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _rheobase(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """From a trained PyTorch CNN to a spiking accelerator on an FPGA, proven spike by spike."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Entry point; every failure is one line on standard error (``failures``)."""
    arguments = sys.argv[1:]

    def failed(message: str, status: int) -> None:
        if "--json" in arguments:
            print_failure(_named_command(arguments), message, status)

    with finish(failed):
        # Typer tells its own errors in its own form, unless it is left to us.
        status = app(standalone_mode=False, prog_name="rheobase")
        if status == INTERRUPTED:
            raise KeyboardInterrupt
    sys.exit(status)


def _named_command(arguments: Sequence[str]) -> str | None:
    """The command that a command line names; None where it names none that is there."""
    names = {command_name(command) for commands in COMMANDS.values() for command in commands}
    first = next((word for word in arguments if not word.startswith("-")), None)
    return first if first in names else None
