"""What a command that fails says, and its exit status (docs/exit-status.md)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .golden.basics.extras import missing_extra
from .golden.errors import MachineError, RheobaseError, file_error, shortened

#: Exit status where hardware and golden model differ; those of errors are their own.
DIFFERS = 1
#: Characters of the longest line that is printed.
LONGEST_LINE = 2000
#: How torch says that there is no memory, in errors that have no type of their own.
_NO_MEMORY = ("can't allocate memory", "out of memory")


@contextmanager
def finish() -> Iterator[None]:
    """Run a command: a failure is one line on standard error and ends with its status.

    Faults of the program itself pass through, with their traceback.
    """
    try:
        yield
        sys.stdout.flush()
    except (RheobaseError, OSError, MemoryError, RuntimeError, ImportError) as error:
        failure = failure_of(error)
        if failure is None:
            raise
        print(f"rheobase: {one_line(failure)}", file=sys.stderr)
        _abandon_output()
        sys.exit(failure.status)


def failure_of(error: BaseException) -> RheobaseError | None:
    """``error`` as one that has an exit status; None for a fault of the program."""
    if isinstance(error, RheobaseError):
        return error
    if isinstance(error, ImportError):
        return missing_extra(error)
    if isinstance(error, OSError) and error.errno is not None:
        found = file_error(error.filename or "output", "the machine refuses", error)
        return MachineError(str(found))
    if isinstance(error, MemoryError) or any(text in str(error) for text in _NO_MEMORY):
        return MachineError("out of memory")
    return None


def one_line(failure: RheobaseError) -> str:
    """The message without line breaks, and not too long to be read."""
    return shortened(" ".join(str(failure).split()), LONGEST_LINE)


def _abandon_output() -> None:
    """Keep the interpreter from writing at its end what standard output does not take."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
