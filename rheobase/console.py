"""Terminal output: results on standard output; progress, steps and errors on standard error."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.status import Status
from rich.table import Table
from rich.text import Text

from .golden.basics.programs import LOGGER
from .golden.errors import MachineError


class _Results(Console):
    """A console that treats a closed pipe as any other failure; rich ends with status 1."""

    def on_broken_pipe(self) -> None:
        raise MachineError("standard output was closed")


#: Columns of a line where no terminal wraps it: tables keep whole numbers and names.
_PIPED = 1000
#: Results, on standard output.
OUT = _Results(width=None if sys.stdout.isatty() else _PIPED, soft_wrap=False)
_ERR = Console(stderr=True)
#: What was noted under ``--json``, which prints it at the end; None without.
_NOTES: ContextVar[list[str] | None] = ContextVar("notes", default=None)


class _Steps(logging.Handler):
    """Steps and programs on standard error, each with the seconds since the command began."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._start = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        passed = time.monotonic() - self._start
        _print(_ERR, f"[{passed:7.1f} s] {record.getMessage()}")


@contextmanager
def output_mode(*, json: bool, quiet: bool, verbose: bool) -> Iterator[list[str]]:
    """How everything is printed within the block.

    Args:
        json: nothing but ``print_json`` prints on standard output; gives the list of notes.
        quiet: no progress and no notes.
        verbose: steps, and programs that are started, with their times on standard error.
    """
    notes: list[str] = []
    token = _NOTES.set(notes if json else None)
    before = OUT.quiet, _ERR.quiet, LOGGER.level
    OUT.quiet, _ERR.quiet = json, quiet
    steps = _Steps()
    if verbose:
        LOGGER.addHandler(steps)
        LOGGER.setLevel(logging.INFO)
    try:
        yield notes
    finally:
        LOGGER.removeHandler(steps)
        OUT.quiet, _ERR.quiet, level = before
        LOGGER.setLevel(level)
        _NOTES.reset(token)


def say(line: str) -> None:
    """Print a line of a result, as long as it is."""
    _print(OUT, line)


def note(line: str) -> None:
    """Print what a reader of the result should know; nothing with ``--quiet``."""
    listed = _NOTES.get()
    if listed is not None:
        listed.append(line)
    if not _ERR.quiet:
        say(line)


def wrote(*paths: Path | str) -> None:
    """Name files that were written."""
    for path in paths:
        say(f"wrote {path}")


def show(table: Table) -> None:
    """Print a table under its title, which no width of columns breaks."""
    if table.title:
        OUT.print(Text(str(table.title), style="italic"), soft_wrap=True)
        table.title = None
    OUT.print(table)


def print_json(value: dict[str, Any]) -> None:
    """Print JSON, outside ``output_mode``."""
    OUT.print_json(data=value, allow_nan=False)


def _print(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(task: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; gives a function to call with what was newly done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        _timed(task),
        Progress(*columns, console=_ERR, transient=True, disable=_is_still()) as progress,
    ):
        entry = progress.add_task(task, total=total)
        yield lambda done: progress.advance(entry, done)


@contextmanager
def working(task: str) -> Iterator[Status]:
    """A spinner on standard error while something runs that gives no count; ``update`` its text."""
    with _timed(task), _ERR.status(task) as status:
        yield status


@contextmanager
def timed_steps(task: str) -> Iterator[Callable[[str], None]]:
    """What is being done and how long all of it has taken; gives a function to name a step with."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with (
        _timed(task),
        Progress(*columns, console=_ERR, transient=True, disable=_is_still()) as progress,
    ):
        entry = progress.add_task(task, total=None)

        def begin(step: str) -> None:
            LOGGER.info("%s: %s", task, step)
            progress.update(entry, description=f"{task}: {step}")

        yield begin


def duration(seconds: float) -> str:
    """Text such as "7 s" or "3 min 12 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def _timed(task: str) -> Iterator[None]:
    """Name a step at its end, with its time, for ``--verbose``."""
    start = time.monotonic()
    yield
    LOGGER.info("%s: %.1f s", task, time.monotonic() - start)


def _is_still() -> bool:
    """No bars: piped, one that goes away again would leave an empty line."""
    return _ERR.quiet or not _ERR.is_terminal
