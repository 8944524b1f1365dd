"""What rows and columns share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Of = TypeVar("Of")


def per_axis(value: Callable[[int], Of]) -> tuple[Of, Of]:
    """``value`` of axis 0, the rows, and of axis 1, the columns."""
    return value(0), value(1)
