"""Checks of single fields: what is wrong, where, and what is accepted."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import numpy as np

from ..errors import RheobaseError, shown

#: Largest side of a map and largest number of channels.
MAX_EXTENT = 65536
#: Characters of the longest name of a network or a layer.
MAX_NAME = 1024


def check_choice(where: str, field: str, value: object, kind: type[Enum]) -> None:
    """Raise ``RheobaseError`` unless ``value`` is a member of the enumeration ``kind``."""
    if not isinstance(value, kind):
        accepted = ", ".join(repr(member.value) for member in kind)
        raise RheobaseError(f"{where}: {field} is {shown(value)}, must be one of {accepted}")


def check_name(where: str, value: object) -> None:
    """Raise ``RheobaseError`` unless ``value`` is a name that can be printed on one line."""
    if not (isinstance(value, str) and value.isprintable() and 1 <= len(value) <= MAX_NAME):
        raise RheobaseError(
            f"{where}: name is {shown(value)}, must be a printable string of 1 to "
            f"{MAX_NAME} characters"
        )


def check_integer(
    where: str, field: str, value: object, low: int, high: int | None, why: str = ""
) -> int:
    """Return ``value``, an integer in ``low..high`` (no upper limit where ``high`` is None).

    Args:
        where: what ``field`` is of; "" where its name says it.
        why: behind the range, with a space in front.

    Raises:
        RheobaseError: it is not an integer, or it is out of the range.
    """
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and low <= value
        and (high is None or value <= high)
    ):
        return value
    # Texts are made where something is wrong, and not before: a range may be as wide as a window.
    last = f">= {low}" if high is None else f"in {low}..{shown(high)}"
    name = f"{where}: {field}" if where else field
    raise RheobaseError(f"{name} is {shown(value)}, must be an integer {last}{why}")


def check_integers(where: str, field: str, value: object, count: int, low: int, high: int) -> None:
    """Raise ``RheobaseError`` unless ``value`` is a tuple of ``count`` integers in range."""
    if not isinstance(value, tuple) or len(value) != count:
        raise RheobaseError(f"{where}: {field} is {shown(value)}, must be {count} integers")
    for number in value:
        check_integer(where, field, number, low, high)


def check_array(
    where: str, field: str, value: object, dtype: type, shape: Iterable[int]
) -> np.ndarray:
    """Return ``value``, made read-only; ``RheobaseError`` unless it has that type and shape."""
    shape = tuple(shape)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.shape != shape:
        found = (
            f"{value.dtype} {shown(value.shape)}"
            if isinstance(value, np.ndarray)
            else type(value).__name__
        )
        raise RheobaseError(f"{where}: {field} is {found}, must be {np.dtype(dtype).name} {shape}")
    value.flags.writeable = False
    return value


def check_values(where: str, field: str, value: np.ndarray, low: int, high: int) -> None:
    """Raise ``RheobaseError`` unless all of ``value`` is in ``low..high``."""
    if value.min() < low or value.max() > high:
        raise RheobaseError(
            f"{where}: {field} spans {value.min()}..{value.max()}, must be {low}..{high}"
        )
