"""Every memory of the hardware in one place: its words, its width, and how it is written.

The components take their memories from here, and so does the cost model of the folding: what it
counts is what is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .geometry import WindowGeometry
from .memory_style import memory_style
from .shapes import memory_depth


class WeightMemory(StrEnum):
    """What holds the weights of a layer. A distributed RAM is for what is written: not these."""

    BLOCK = "block"  #: block RAM
    LOGIC = "logic"  #: look-up tables: a read-only memory of 16 words takes one for each bit


@dataclass(frozen=True)
class MemoryShape:
    """One memory with a clocked read port.

    Attributes:
        words, width: depth and bits of a word.
        written: bits that are written together (one enable for them); None for constants.
        style: "block", "logic", or None: what the tool finds cheapest.
    """

    words: int
    width: int
    written: int | None
    style: str | None

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes of the memory in the Verilog."""
        return {} if self.style is None else {"ram_style": self.style}


def row_memory(geometry: WindowGeometry, word_width: int) -> MemoryShape:
    """The ring of rows of a window buffer that words of ``word_width`` bits are written to.

    A slot's part of a memory word is written word by word.
    """
    width = geometry.word_rows * geometry.channels * geometry.planes
    words = memory_depth(geometry.depth)
    style = memory_style(geometry.depth, width).get("ram_style")
    return MemoryShape(words, width, min(word_width, geometry.channels * geometry.planes), style)


def weight_memory(words: int, width: int, style: WeightMemory | None = None) -> MemoryShape:
    """The weights of a lane: ``words`` of ``width`` bits; ``style`` None for what is worth it."""
    chosen = memory_style(words, width).get("ram_style") if style is None else style.value
    return MemoryShape(memory_depth(words), width, None, chosen)
