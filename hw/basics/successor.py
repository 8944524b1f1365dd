"""The next value of a small counter, without a carry chain."""

from __future__ import annotations

from amaranth import Cat, Mux, Value


def successor(counter: Value, count: int) -> Value:
    """``counter + 1`` modulo ``count``, which is at least 2; as wide as ``counter``.

    A look-up table for each bit is less than what tools make of an addition of a few bits.
    """
    bits = [counter[i] ^ counter[:i].all() if i else ~counter[i] for i in range(len(counter))]
    following = Cat(bits)
    if count == 1 << len(counter):
        return following
    return Mux(counter == count - 1, 0, following)
