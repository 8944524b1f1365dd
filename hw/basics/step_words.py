"""Words of a train, of which a step may have two."""

from __future__ import annotations

from amaranth import Cat, Const, Value


def step_words(steps: Value, planes: int) -> Value:
    """Words of ``steps`` (T) steps of ``planes`` words each, one or two."""
    return steps if planes == 1 else Cat(Const(0, 1), steps)
