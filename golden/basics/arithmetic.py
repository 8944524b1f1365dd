"""Arithmetic of integers that Python has no name for."""

from __future__ import annotations


def ceil_div(number: int, by: int) -> int:
    """``number`` / ``by``, rounded up."""
    return -(-number // by)
