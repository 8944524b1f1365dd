"""How commands print what they found."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from ..console import output_mode
from ..golden.errors import RheobaseError
from ..results.base import Result
from ..results.envelope import print_result

#: The accelerator's module where it is given no other name.
TOP = "accelerator"
ModuleName = Annotated[
    str,
    typer.Option(
        "--name", help="The Verilog's top module; names of the others begin with it as well."
    ),
]


@dataclass(frozen=True)
class OutputOptions:
    """What every command has."""

    PANEL = "Output"

    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object in place of text and tables.")
    ] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Results and errors only: no progress, no notes.")
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Say on standard error which steps and programs run, and for how long.",
        ),
    ] = False


def with_output(command: Callable[..., Result]) -> Callable[..., None]:
    """``command`` with ``OutputOptions``: its result as JSON where asked for, and its status."""
    name = command_name(command)

    @wraps(command)
    def called(printed: OutputOptions, **values: Any) -> None:
        if printed.quiet and printed.verbose:
            raise RheobaseError("--quiet: must be without --verbose")
        with output_mode(json=printed.json, quiet=printed.quiet, verbose=printed.verbose) as notes:
            result = command(**values)
        if printed.json:
            print_result(name, result, notes)
        if result.status:
            raise typer.Exit(result.status)

    hints = get_type_hints(command, include_extras=True)
    given = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, one in inspect.signature(command).parameters.items()
    ]
    own = inspect.Parameter("printed", inspect.Parameter.KEYWORD_ONLY, annotation=OutputOptions)
    called.__signature__ = inspect.Signature([*given, own])  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in (*given, own)}
    return called


def command_name(command: Callable[..., Any]) -> str:
    """What ``command`` is called on the command line."""
    return command.__name__.replace("_", "-")
