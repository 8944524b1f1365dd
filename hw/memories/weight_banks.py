"""How the weights of a lane are laid out in memories: segments that are read at once.

A lane's weights are often deeper than a block RAM: 4,608 words of 64 bits fill 16 blocks of an ECP5
exactly, but as nine segments of 512 words. A selector of nine is slow, and takes seven look-up
tables a bit. 2,048 words at the narrow ports of a block are two segments, and the 512 that remain a
third: 17 blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..design.folding import WeightMemory
from .devices import Family
from .memory_mapping import SELECT_COST, ram_use
from .memory_shape import MemoryShape, weight_memory

#: Least words of a segment: those of a block at its widest.
_LEAST_DEPTH = 512
#: Words in logic that the tools may select among, and of a segment where there are more: of seven
#: address bits they make as many look-up tables in a row, all over the device.
_MOST_LOGIC, _LOGIC_DEPTH = 64, 32


@dataclass(frozen=True)
class WeightBanks:
    """Memories that hold the weight words of a lane.

    Word a is in segment a // ``depth``, at a % ``depth`` there.

    Attributes:
        depth: words of a segment.
        banks: memories, the first segments in the first one; a memory word holds as many weight
            words as it has segments.
        segments: of each bank.
    """

    depth: int
    banks: tuple[MemoryShape, ...]
    segments: tuple[int, ...]

    @property
    def selected(self) -> int:
        """Segments of which one is selected."""
        return sum(self.segments)


@cache
def weight_banks(
    words: int, width: int, style: WeightMemory | None = None, *, split: bool = True
) -> WeightBanks:
    """The cheapest layout of ``words`` of ``width`` bits, by yosys' cost of an ECP5's blocks.

    None that the tools have to put selectors into: those are ours, with registers in front.
    Words in logic are in segments as well where they are many.
    Without ``split`` it is one memory, whatever the tools make of it.
    """
    whole = weight_memory(words, width, style)
    single = WeightBanks(whole.words, (whole,), (1,))
    if not split:
        return single
    if whole.style == WeightMemory.LOGIC and words > _MOST_LOGIC:
        return _layout(words, width, _LOGIC_DEPTH, WeightMemory.LOGIC)
    if whole.style != WeightMemory.BLOCK:
        return single
    layouts = [single]
    depth = _LEAST_DEPTH
    while depth < words:
        layouts.append(_layout(words, width, depth, WeightMemory.BLOCK))
        depth *= 2
    uses = [[ram_use(bank, Family.ECP5) for bank in layout.banks] for layout in layouts]
    found = [
        (sum(u.cost for u in use) + SELECT_COST * width * (layout.selected - 1), layout)
        for layout, use in zip(layouts, uses, strict=True)
        if all(u.segments == 1 for u in use)
    ]
    return min(found, key=lambda entry: entry[0])[1]


def _layout(words: int, width: int, depth: int, style: WeightMemory) -> WeightBanks:
    """As many segments of ``depth`` words as are filled, and what remains."""
    segments, rest = divmod(words, depth)
    banks = [MemoryShape(depth, segments * width, None, style.value)]
    if rest:
        banks.append(weight_memory(rest, width, style))
    return WeightBanks(depth, tuple(banks), (segments, 1)[: len(banks)])
