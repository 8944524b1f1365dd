"""Block or distributed: what a memory with a clocked read port is made of."""

from __future__ import annotations

from ...golden.basics.arithmetic import ceil_div

#: Words of a distributed RAM, and the look-up tables that 4 bits of it take (ECP5).
DISTRIBUTED_WORDS = 16
DISTRIBUTED_LUTS = 6
#: Bits of a word of a block RAM at its widest (ECP5).
BLOCK_WIDTH = 36
#: Look-up tables that a block RAM is worth.
BLOCK_LUTS = 40


def memory_style(words: int, width: int) -> dict[str, str]:
    """Attributes of a memory of ``words`` words of ``width`` bits, for yosys.

    A block takes the place of at least ``BLOCK_LUTS`` look-up tables, or the memory is left to
    the tool, which then takes distributed RAM or logic where the target has them.
    """
    distributed = ceil_div(words, DISTRIBUTED_WORDS) * ceil_div(width, 4) * DISTRIBUTED_LUTS
    blocks = ceil_div(width, BLOCK_WIDTH)
    return {"ram_style": "block"} if distributed >= BLOCK_LUTS * blocks else {}
