"""The errors that user-facing code turns into a single line and an exit status."""

from __future__ import annotations

import errno
import reprlib
from pathlib import Path

#: Characters that one value from outside may take in a message.
SHOWN = 80
#: Bits of the longest integer that is printed; Python prints none of 4,300 digits.
_LONGEST_INTEGER = 128
#: Why a file cannot be read or written: what was named, not the machine.
_NAMED_WRONGLY = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EACCES,
        errno.EPERM,
        errno.EEXIST,
        errno.ENOTEMPTY,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EINVAL,
    }
)


class RheobaseError(ValueError):
    """Bad input: the message says in one line what was wrong, where, and what is accepted."""

    #: Exit status of the command that ends with this error.
    status = 2


class MachineError(RheobaseError):
    """Not the input: a tool is absent or failed, a disk is full, a port cannot be opened."""

    status = 3


class _Repr(reprlib.Repr):
    """``repr`` that looks at no more of a value than it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = SHOWN

    def repr_int(self, number: int, _level: int) -> str:
        if number.bit_length() > _LONGEST_INTEGER:
            return f"an integer of {number.bit_length()} bits"
        return repr(number)


def shown(value: object) -> str:
    """``value`` for a message, as ``repr`` gives it, in at most ``SHOWN`` characters.

    Every value that comes from outside (a file, the command line) goes into a message this way.
    """
    return shortened(_Repr().repr(value), SHOWN)


def shortened(text: str, length: int) -> str:
    """``text`` with its middle left out where it is longer than ``length`` characters."""
    if len(text) <= length:
        return text
    tail = (length - 3) // 3
    return f"{text[: length - 3 - tail]}...{text[len(text) - tail :]}"


def file_error(path: Path | str, problem: str, error: OSError) -> RheobaseError:
    """What ``error`` at ``path`` is to a user; ``problem`` is "cannot be read" and the like.

    A ``MachineError`` unless the name itself is wrong (absent, a folder, not allowed).
    """
    kind = RheobaseError if error.errno in _NAMED_WRONGLY else MachineError
    return kind(f"{path}: {problem} ({error.strerror or error})")
