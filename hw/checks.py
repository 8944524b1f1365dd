"""Parameter checks that say the value and the allowed range."""

from __future__ import annotations

from collections.abc import Collection

from ..golden.errors import RheobaseError


def check_range(component: str, parameter: str, value: object, low: int, high: int | None) -> int:
    """Return ``value`` as an integer in ``low..high`` (no upper limit where ``high`` is None).

    Raises:
        RheobaseError: it is not an integer, or it is out of the range.
    """
    accepted = f"an integer >= {low}" if high is None else f"an integer in {low}..{high}"
    out_of_range = (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < low
        or (high is not None and value > high)
    )
    if out_of_range:
        raise RheobaseError(f"{component}: {parameter} is {value!r}, accepted is {accepted}")
    return value


def check_choice(component: str, parameter: str, value: object, choices: Collection) -> None:
    """Raise ``RheobaseError`` where ``value`` is not among ``choices``."""
    if value not in choices:
        accepted = ", ".join(repr(choice) for choice in choices)
        raise RheobaseError(f"{component}: {parameter} is {value!r}, accepted is one of {accepted}")


def check_divisor(component: str, parameter: str, value: object, of: int) -> None:
    """Raise ``RheobaseError`` unless ``value`` is a divisor of ``of`` and less than it."""
    check_range(component, parameter, value, 1, max(1, of - 1))
    if of % value:
        raise RheobaseError(
            f"{component}: {parameter} is {value}, accepted is a divisor of {of} below it"
        )
