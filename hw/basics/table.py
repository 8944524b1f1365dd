"""Constant tables as combinational logic: what would be a product is looked up instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from amaranth import Module, Signal, ValueLike
from amaranth.hdl import Shape

from ...golden.network.bounds import Interval
from .shapes import count_shape, signed_shape


def lookup(
    m: Module,
    index: ValueLike,
    values: Sequence[int],
    *,
    name: str,
    shape: Shape | None = None,
) -> Signal:
    """A signal that equals ``values[index]``.

    ``shape`` defaults to the narrowest that holds every value (signed only if one is negative).
    The most frequent value is the default case, so that a table of exceptions stays small.
    """
    if shape is None:
        held = Interval(min(values), max(values))
        shape = signed_shape(held) if held.low < 0 else count_shape(held.high)
    result = Signal(shape, name=name)
    common, _ = Counter(values).most_common(1)[0]
    if len(set(values)) == 1:
        m.d.comb += result.eq(common)
        return result
    with m.Switch(index):
        for position, value in enumerate(values):
            if value != common:
                with m.Case(position):
                    m.d.comb += result.eq(value)
        with m.Default():
            m.d.comb += result.eq(common)
    return result
