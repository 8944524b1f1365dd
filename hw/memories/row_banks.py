"""How the ring of rows of a window buffer is laid out in memories."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from .devices import Family
from .memory_mapping import ram_use
from .memory_shape import MemoryShape


@cache
def row_banks(shape: MemoryShape, *, split: bool = True) -> tuple[MemoryShape, ...]:
    """The ring ``shape`` as memories, whose words follow one another.

    Rows beside a power of two make tools split the whole ring into segments as small as the rest:
    five of 1,024 words where 4,096 and 1,024 would do. The selector behind five is three look-up
    tables late, after a block RAM that is slow by itself. The banks take no more block RAMs.
    Without ``split`` it is one memory, whatever the tools make of it.
    """
    use = ram_use(shape, Family.ECP5)
    first = 1 << (shape.words.bit_length() - 1)
    if not split or shape.style != "block" or use.segments == 1 or first == shape.words:
        return (shape,)
    rest = row_banks(replace(shape, words=shape.words - first))
    banks = (replace(shape, words=first), *rest)
    uses = [ram_use(bank, Family.ECP5) for bank in banks]
    fits = all(used.segments == 1 for used in uses) and sum(u.cells for u in uses) <= use.cells
    return banks if fits else (shape,)
