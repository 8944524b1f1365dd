"""Numbers with commas."""

from __future__ import annotations

from ..golden.errors import RheobaseError, shown


def number_list(option: str, text: str, kind: type) -> tuple:
    """Numbers separated by commas.

    Raises:
        RheobaseError: ``text``, which ``option`` was given, is something else.
    """
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        name = "integers" if kind is int else "numbers"
        raise RheobaseError(f"{option}: {shown(text)}, must be {name} with commas") from None


def sorted_numbers(option: str, text: str) -> tuple[int, ...]:
    """Integers separated by commas, each once, the least first."""
    return tuple(sorted(set(number_list(option, text, int))))
