"""Block RAM of the host link."""

from __future__ import annotations

from collections.abc import Iterable

from amaranth.lib.memory import Memory

from ...hw.memories.memory_shape import MemoryShape


def block_shape(words: int, width: int) -> MemoryShape:
    """A memory that is written word by word, in block RAM, whatever a family may have besides.

    No word is looked at that was read while it was written: who uses one says why.
    """
    return MemoryShape(words, width, width, "block", apart=True)


def block_memory(shape: MemoryShape, init: Iterable[int] = ()) -> Memory:
    """The memory itself."""
    return Memory(shape=shape.width, depth=shape.words, init=init, attrs=shape.attributes)
