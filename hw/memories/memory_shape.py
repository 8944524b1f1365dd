"""Every memory of the hardware in one place: its words, its width, and how it is written.

The components take their memories from here, and so does the cost model of the folding: what it
counts is what is built.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.basics.arithmetic import ceil_div
from ..basics.widths import memory_depth
from ..design.folding import WeightMemory
from ..design.geometry import WindowGeometry

#: Words of a distributed RAM, and the look-up tables that 4 bits of it take (ECP5).
DISTRIBUTED_WORDS = 16
DISTRIBUTED_LUTS = 6
#: Bits of a word of a block RAM at its widest (ECP5).
BLOCK_WIDTH = 36
#: Look-up tables that a block RAM is worth.
BLOCK_LUTS = 40
#: Most weight words of a direct lane that are constants in logic rather than in a memory.
CONSTANT_WORDS = 64
#: The style of RAMs of one port, and bits that they write at a time at least.
LARGE_STYLE, LARGE_RAM_WRITE = "huge", 4


@dataclass(frozen=True)
class MemoryShape:
    """One memory with a clocked read port.

    Attributes:
        words, width: depth and bits of a word.
        written: bits that are written together (one enable for them); None for constants.
        style: "block", "logic", "huge" (a large RAM of one port), or None: what the tool finds
            cheapest.
        apart: a bit that is read in the cycle in which it is written is never looked at. Else
            yosys puts a copy of the last write beside the memory, and a selector for each bit.
    """

    words: int
    width: int
    written: int | None
    style: str | None
    apart: bool = False

    @property
    def attributes(self) -> dict[str, str | int]:
        """Attributes of the memory in the Verilog."""
        style = {} if self.style is None else {"ram_style": self.style}
        return style | (NO_COLLISIONS if self.apart else {})


#: Attributes of a memory that is never read where it is written in the same cycle, or whose answer
#: counts for nothing then: yosys puts no logic behind it that would make it the old word.
NO_COLLISIONS = {"no_rw_check": 1}


def memory_style(words: int, width: int) -> dict[str, str]:
    """Attributes of a memory of ``words`` words of ``width`` bits, for yosys.

    A block takes the place of at least ``BLOCK_LUTS`` look-up tables, or the memory is left to
    the tool, which then takes distributed RAM or logic where the target has them.
    """
    distributed = ceil_div(words, DISTRIBUTED_WORDS) * ceil_div(width, 4) * DISTRIBUTED_LUTS
    blocks = ceil_div(width, BLOCK_WIDTH)
    return {"ram_style": "block"} if distributed >= BLOCK_LUTS * blocks else {}


def row_memory(geometry: WindowGeometry, word_width: int, *, large: bool = False) -> MemoryShape:
    """The ring of rows of a window buffer that words of ``word_width`` bits are written to.

    A slot's bits of a memory word are written spike word by spike word. ``large``: in RAMs of one
    port, where words fill what is written there at a time.
    """
    width = geometry.word_rows * geometry.channels * geometry.planes
    words = memory_depth(geometry.depth)
    style = memory_style(geometry.depth, width).get("ram_style")
    written = min(word_width, geometry.channels * geometry.planes)
    if large and written % LARGE_RAM_WRITE == 0:
        style = LARGE_STYLE
    # Rows are read once they are complete: of a column's word other rows' bits may be written.
    return MemoryShape(words, width, written, style, apart=True)


def flag_memory(geometry: WindowGeometry) -> MemoryShape:
    """The flags of pixels that hold events: a word for each column, a bit for each slot.

    As deep as a distributed RAM at least, which takes no more; where there is none, a block takes
    the place of registers and their selectors.
    """
    words = max(geometry.columns, DISTRIBUTED_WORDS)
    return MemoryShape(words, geometry.slots, 1, None, apart=True)


def queue_memory(width: int, depth: int) -> MemoryShape:
    """A queue of ``depth`` elements of ``width`` bits in block RAM (``RamQueue``)."""
    return MemoryShape(memory_depth(depth), width, width, "block", apart=True)


def scratch_memory(width: int, words: int) -> MemoryShape:
    """A memory that is read in the cycle of its address, where no distributed RAM is: registers."""
    return MemoryShape(memory_depth(words), width, width, "logic")


def serial_memory(width: int, words: int) -> MemoryShape:
    """The sums of a serial connection, ``words`` of ``width`` bits.

    No word is read in the cycle in which it is written.
    """
    depth = memory_depth(words)
    return MemoryShape(depth, width, width, memory_style(depth, width).get("ram_style"), apart=True)


def weight_memory(words: int, width: int, style: WeightMemory | None = None) -> MemoryShape:
    """The weights of a lane: ``words`` of ``width`` bits; ``style`` None for what is worth it."""
    chosen = memory_style(words, width).get("ram_style") if style is None else style.value
    return MemoryShape(memory_depth(words), width, None, chosen)
