"""One-hot selection: the lowest set bit, its index, the value that it picks, how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from amaranth import Cat, Const, Value

#: Bits whose lowest one is searched with gates; a carry chain takes less of more bits.
LONGEST_WITHOUT_CARRY = 16
#: Values that are joined in one chain. Amaranth walks an expression by calling itself for each
#: operator, and Python's limit for that is some 300 of them.
LONGEST_CHAIN = 64


def lowest(mask: Value) -> Value:
    """The lowest set bit of ``mask`` alone, as wide as ``mask``."""
    if len(mask) > LONGEST_WITHOUT_CARRY:
        return (mask & (~mask + 1))[: len(mask)]
    return Cat(mask[i] & ~mask[:i].any() if i else mask[0] for i in range(len(mask)))


def encode(select: Value) -> Value:
    """Index of the only set bit of ``select``; 0 where none is set."""
    width = max(1, (len(select) - 1).bit_length())
    if len(select) == 1:
        return Const(0, 1)
    return Cat(
        Cat(select[i] for i in range(len(select)) if i >> bit & 1).any() for bit in range(width)
    )


def at_least(mask: Value, most: int) -> list[Value]:
    """Whether ``mask`` has at least 1, 2, ... ``most`` set bits, as a tree without carries."""
    if len(mask) == 1:
        return [mask[0]] + [Const(0, 1)] * (most - 1)
    middle = len(mask) // 2
    lower, upper = at_least(mask[:middle], most), at_least(mask[middle:], most)
    return [
        reduce(
            or_,
            [lower[count - 1], upper[count - 1]]
            + [lower[part - 1] & upper[count - part - 1] for part in range(1, count)],
        )
        for count in range(1, most + 1)
    ]


def pick(select: Value, values: Sequence[Value]) -> Value:
    """The value whose bit in the one-hot ``select`` is set; 0 where none is."""
    masked = [select[index].replicate(len(value)) & value for index, value in enumerate(values)]
    return _joined(masked)


def _joined(values: list[Value]) -> Value:
    """The bits that any of ``values`` has; more than a chain's worth are joined as a tree."""
    if len(values) <= LONGEST_CHAIN:
        return reduce(or_, values)
    middle = len(values) // 2
    return _joined(values[:middle]) | _joined(values[middle:])
