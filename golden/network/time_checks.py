"""The range of T and t0."""

from __future__ import annotations

from ..basics.field_checks import check_integer
from .choices import Coding


def check_steps(where: str, coding: Coding, steps: object, most: int) -> int:
    """Return T = ``steps``, an integer in 1..``most``; ``RheobaseError`` where it is not."""
    return check_integer(where, "T", steps, 1, most, f" in {coding.value} coding")


def check_delay(where: str, coding: Coding, delay: object, steps: int) -> int:
    """Return t0 = ``delay``, below T = ``steps`` and 0 in ``radix``; ``RheobaseError`` if not."""
    highest = 0 if coding == Coding.RADIX else steps - 1
    why = f" for T = {steps} in {coding.value} coding"
    return check_integer(where, "t0", delay, 0, highest, why)
