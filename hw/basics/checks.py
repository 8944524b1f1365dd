"""Parameter checks that say the value and the allowed range."""

from __future__ import annotations

from ...golden.basics.field_checks import check_integer as check_range
from ...golden.errors import RheobaseError

__all__ = ["check_divisor", "check_range"]


def check_divisor(component: str, parameter: str, value: object, of: int) -> None:
    """Raise ``RheobaseError`` unless ``value`` is a divisor of ``of`` and less than it."""
    check_range(component, parameter, value, 1, max(1, of - 1))
    if of % value:
        raise RheobaseError(
            f"{component}: {parameter} is {value}, must be a divisor of {of} below it"
        )
