"""Block RAM of the host link."""

from __future__ import annotations

from collections.abc import Iterable

from amaranth.lib.memory import Memory

from ..hw.memory_shape import MemoryShape


def block_shape(words: int, width: int) -> MemoryShape:
    """A memory that is written word by word, in block RAM, whatever a family may have besides."""
    return MemoryShape(words, width, width, "block")


def block_memory(shape: MemoryShape, init: Iterable[int] = ()) -> Memory:
    """The memory itself.

    A word that is read while it is written is taken to be undefined: tools would otherwise put
    logic around the block. Who uses one says why it never does so.
    """
    return Memory(
        shape=shape.width,
        depth=shape.words,
        init=init,
        attrs={**shape.attributes, "no_rw_check": 1},
    )
