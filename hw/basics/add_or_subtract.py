"""Addition or subtraction, by one adder."""

from __future__ import annotations

from amaranth import Cat, Const, Signal, Value


def add_or_subtract(value: Signal, term: Value, subtracts: Signal) -> Value:
    """``value`` + ``term``, or ``value`` - ``term`` (both signed), in the bits of ``value``.

    A bit below both makes the carry that a subtraction needs.
    """
    width = len(value)
    turned = term.as_unsigned() ^ subtracts.replicate(len(term))
    lower, upper = Cat(Const(1, 1), value), Cat(subtracts, turned)
    return (lower.as_signed() + upper.as_signed())[1 : 1 + width].as_signed()
