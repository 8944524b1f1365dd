"""Widths and depths as plain integers, for what is planned without Amaranth as well as built."""

from __future__ import annotations


def index_bits(count: int) -> int:
    """Bits of an index 0..count-1; at least one, so that it can be a port."""
    return max(1, (count - 1).bit_length())


def count_bits(maximum: int) -> int:
    """Bits of a number 0..maximum; at least one."""
    return index_bits(maximum + 1)


def turn_numbers(turns: int) -> int:
    """Values of the bits that tell the turns of a group apart: a power of two, 1 for one turn."""
    return 1 if turns == 1 else 1 << index_bits(turns)


def memory_depth(words: int) -> int:
    """Depth of a memory of ``words`` words; a single one would have an address of no bits."""
    return max(words, 2)
