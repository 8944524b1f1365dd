"""Terminal output: one console for results, one for progress and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.status import Status

from .golden.errors import MachineError


class _Results(Console):
    """A console that treats a closed pipe as any other failure; rich ends with status 1."""

    def on_broken_pipe(self) -> None:
        raise MachineError("standard output was closed")


#: Results, on standard output; wide enough for a table where it is piped.
OUT = _Results(width=None, soft_wrap=False)
_ERR = Console(stderr=True)


@contextmanager
def progress_bar(task: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; gives a function to call with what was newly done."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=_ERR, transient=True) as progress:
        entry = progress.add_task(task, total=total)
        yield lambda done: progress.advance(entry, done)


@contextmanager
def working(task: str) -> Iterator[Status]:
    """A spinner on standard error while something runs that gives no count; ``update`` its text."""
    with _ERR.status(task) as status:
        yield status
