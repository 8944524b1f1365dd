"""What a command that fails says, and its exit status (docs/exit-status.md)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import typer

from .golden.basics.extras import missing_extra
from .golden.errors import MachineError, RheobaseError, file_error, shortened

#: Exit status where hardware and golden model differ; those of errors are their own.
DIFFERS = 1
#: Exit status after Ctrl-C.
INTERRUPTED = 130
#: Characters of the longest line that is printed.
LONGEST_LINE = 2000
#: How torch says that there is no memory, in errors that have no type of their own.
_NO_MEMORY = ("can't allocate memory", "out of memory")

#: A command line that cannot be read: the parent of all such errors, which Typer does not name.
_UsageError = typer.BadParameter.__base__


@contextmanager
def finish(also: Callable[[str, int], None] = lambda _message, _status: None) -> Iterator[None]:
    """Run a command: a failure is one line on standard error and ends with its status.

    Faults of the program itself pass through, with their traceback.

    Args:
        also: told the message and the status of a failure.
    """
    try:
        yield
        sys.stdout.flush()
        return
    except KeyboardInterrupt:
        message, status = "interrupted", INTERRUPTED
    except _UsageError as error:
        message, status = one_line(_usage(error)), RheobaseError.status
    except (RheobaseError, OSError, MemoryError, RuntimeError, ImportError) as error:
        failure = failure_of(error)
        if failure is None:
            raise
        message, status = one_line(failure), failure.status
    print(f"rheobase: {message}", file=sys.stderr)
    with suppress(RheobaseError, OSError):
        also(message, status)
    _abandon_output()
    sys.exit(status)


def _usage(error: typer.BadParameter) -> str:
    """What is wrong with a command line, and where its help is."""
    said = error.format_message().rstrip(".")
    return said if error.ctx is None else f"{said} (see {error.ctx.command_path} --help)"


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


def one_line(failure: RheobaseError | str) -> str:
    """The message without line breaks, and not too long to be read."""
    return shortened(" ".join(str(failure).split()), LONGEST_LINE)


def _abandon_output() -> None:
    """Keep the interpreter from writing at its end what standard output does not take."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
