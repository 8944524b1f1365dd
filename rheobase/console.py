"""Terminal output: one console for results, one for progress and errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


@contextmanager
def progress_bar(task: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; gives a function to call with what was newly done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # Piped, a bar that goes away again would leave an empty line.
    piped = not _ERR.is_terminal
    with Progress(*columns, console=_ERR, transient=True, disable=piped) as progress:
        entry = progress.add_task(task, total=total)
        yield lambda done: progress.advance(entry, done)


@contextmanager
def working(task: str) -> Iterator[Status]:
    """A spinner on standard error while something runs that gives no count; ``update`` its text."""
    with _ERR.status(task) as status:
        yield status


def duration(seconds: float) -> str:
    """Text such as "7 s" or "3 min 12 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def timed_steps(task: str) -> Iterator[Callable[[str], None]]:
    """What is being done and how long all of it has taken; gives a function to name a step with.

    A live line in a terminal; where it is piped, a plain line at the beginning of each step.
    """
    if not _ERR.is_terminal:
        start = time.monotonic()

        def say(step: str) -> None:
            passed = duration(time.monotonic() - start)
            OUT.print(f"{task}: {step} (after {passed})", highlight=False, soft_wrap=True)

        yield say
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=_ERR, transient=True) as progress:
        entry = progress.add_task(task, total=None)
        yield lambda step: progress.update(entry, description=f"{task}: {step}")
