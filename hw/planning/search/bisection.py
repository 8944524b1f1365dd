"""The first of many values that will do, where all after it do as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Value = TypeVar("Value")
Found = TypeVar("Found")


def first_found(values: Sequence[Value], find: Callable[[Value], Found | None]) -> Found | None:
    """What ``find`` gives for the first of ``values`` for which it is not None; None without one.

    Of two values ``find`` gives something for the later one if it does for the earlier one.
    """
    low, high, found = 0, len(values) - 1, None
    while low <= high:
        middle = (low + high) // 2
        result = find(values[middle])
        if result is None:
            low = middle + 1
        else:
            found, high = result, middle - 1
    return found
