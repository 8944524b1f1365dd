"""What a network may choose from: its coding, its pooling rule and its readout.

Apart from the arrays, so that a command line can offer them without loading NumPy.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from ..errors import RheobaseError, shown

_Choice = TypeVar("_Choice", bound=StrEnum)

#: Largest number of time steps per coding.
MAX_STEPS = {"rate": 1024, "radix": 16}


class Coding(StrEnum):
    """What a spike at step t of T is worth."""

    RATE = "rate"  #: one
    RADIX = "radix"  #: 2**(T - t)


class PoolRule(StrEnum):
    """How the maximum of several currents is taken over time."""

    CUMULATIVE = "cumulative"  #: increments of the maximum of the accumulated currents
    STEP = "step"  #: the maximum of the currents of each step


class Readout(StrEnum):
    """What the answer is read from, in t0 < t <= T."""

    COUNT = "count"  #: the spikes of the layers that are read out
    CURRENT = "current"  #: the summed currents of the layers that are read out; they fire not


def member(where: str, kind: type[_Choice], value: Any) -> _Choice:
    """The member of ``kind`` that ``value`` is or names.

    Raises:
        RheobaseError: there is none; ``where`` says what has the value.
    """
    try:
        return kind(value)
    except ValueError:
        accepted = ", ".join(repr(one.value) for one in kind)
        raise RheobaseError(f"{where} is {shown(value)}, must be one of {accepted}") from None
