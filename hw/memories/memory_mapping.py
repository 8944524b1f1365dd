"""What yosys makes of a memory: how many block RAMs, distributed RAMs and look-up tables.

The rule is that of yosys' ``memory_libmap`` with its libraries of the device families: a block has
a depth for each width; a memory word is laid out over blocks side by side, bits that have a write
enable of their own padded to the block's bytes; the width whose blocks and selectors cost least
is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from ...golden.basics.arithmetic import ceil_div
from .devices import Family
from .memory_shape import LARGE_RAM_WRITE, LARGE_STYLE, MemoryShape


@dataclass(frozen=True)
class _Ram:
    """One way to use a RAM cell, from yosys' library of the family.

    Attributes:
        cost: yosys' measure.
        address_bits: at the least width.
        widths: of a port, each with half the words of the one before.
        byte: bits of a write enable; 0 where it is the whole port.
        write_widths: least and most of ``widths`` (their indices) of the write port.
        scaled: a cell costs as much of ``cost`` as it has bits that are used.
    """

    cost: int
    address_bits: int
    widths: tuple[int, ...]
    byte: int
    write_widths: tuple[int, int]
    scaled: bool = False


_BLOCKS = {
    Family.ECP5: (
        _Ram(128, 14, (1, 2, 4, 9, 18), 9, (0, 4)),
        _Ram(128, 14, (1, 2, 4, 9, 18, 36), 9, (5, 5)),
    ),
    Family.ICE40: (
        _Ram(64, 11, (2, 4, 8, 16), 1, (3, 3)),
        _Ram(64, 11, (2, 4, 8, 16), 0, (0, 2)),
    ),
    Family.GOWIN: (_Ram(128, 14, (1, 2, 4, 9, 18, 36), 9, (0, 5)),),
}
#: The 256 kbit of an iCE40 UltraPlus, which has one port; bits are written four at a time.
_LARGE = _Ram(2048, 14, (16,), LARGE_RAM_WRITE, (0, 0))
#: The 16 x 4 distributed RAM of ECP5 and Gowin; iCE40 has none.
_DISTRIBUTED = {
    Family.ECP5: (_Ram(4, 4, (4,), 0, (0, 0)),),
    Family.ICE40: (),
    Family.GOWIN: (_Ram(4, 4, (4,), 0, (0, 0), scaled=True),),
}
#: yosys' cost of a bit that a selector in front of or behind the cells has, and of what a cell
#: cannot do itself: a clocked output, an enable of it.
SELECT_COST, _EMULATION_COST = 0.5, 8
#: yosys' cost of a bit in registers, and of a constant one in look-up tables.
_REGISTER_COST, _CONSTANT_COST = 1, 1 / 16
#: Bits of a constant in a look-up table.
CONSTANT_BITS = 16


@dataclass(frozen=True)
class MappedMemory:
    """Cells of a memory: RAMs of each kind, bits of constants, bits of registers."""

    block_rams: int = 0
    distributed_rams: int = 0
    constant_bits: int = 0
    register_bits: int = 0
    large_rams: int = 0


@cache
def mapped_memory(shape: MemoryShape, family: Family) -> MappedMemory:
    """The cells of ``family`` that yosys makes ``shape`` of."""
    bits = shape.words * shape.width
    constant = shape.written is None
    logic = MappedMemory(constant_bits=bits) if constant else MappedMemory(register_bits=bits)
    if shape.style == "logic":
        return logic
    if shape.style == LARGE_STYLE:
        return MappedMemory(large_rams=_use(shape, _LARGE, 0, _LARGE.byte).cells)
    cost, blocks, _ = ram_use(shape, family)
    mapped = MappedMemory(block_rams=blocks)
    if shape.style == "block":
        return mapped
    choices = [(bits * (_CONSTANT_COST if constant else _REGISTER_COST), logic), (cost, mapped)]
    if not constant and _DISTRIBUTED[family]:
        cost, cells, _ = _cheapest(shape, _DISTRIBUTED[family])
        emulated = 0 if shape.apart else 2 * _EMULATION_COST
        choices.append((cost + emulated, MappedMemory(distributed_rams=cells)))
    return min(choices, key=lambda choice: choice[0])[1]


class RamUse(NamedTuple):
    """A memory in RAM cells: yosys' cost, cells, and segments of which a selector takes one."""

    cost: float
    cells: int
    segments: int


def ram_use(shape: MemoryShape, family: Family) -> RamUse:
    """``shape`` in block RAMs of ``family``, as yosys makes it."""
    return _cheapest(shape, _BLOCKS[family])


def _cheapest(shape: MemoryShape, rams: tuple[_Ram, ...]) -> RamUse:
    """The cheapest use of one of ``rams``."""
    found = []
    for ram in rams:
        least, most = ram.write_widths
        for index, width in enumerate(ram.widths):
            # A port that is too narrow is made of a wider one's bytes, where it has any.
            has_bytes = 0 < ram.byte <= width
            if shape.written is not None and not (has_bytes if index < least else index <= most):
                continue
            found.append(_use(shape, ram, index, ram.byte if has_bytes else width))
    return min(found)


def _use(shape: MemoryShape, ram: _Ram, index: int, byte: int) -> RamUse:
    """What it takes with ports of ``ram.widths[index]`` bits."""
    width = ram.widths[index]
    laid_out, enables = shape.width, 0
    if shape.written is not None:
        whole, rest = divmod(shape.width, shape.written)
        laid_out = whole * _padded(shape.written, byte) + _padded(rest, byte)
        enables = whole + (rest > 0)
    deep = ceil_div(shape.words, 1 << (ram.address_bits - index))
    cells = ceil_div(deep * laid_out, width)
    selectors = (deep - 1) * shape.width + (deep * enables if deep > 1 else 0)
    used = deep * shape.width / width if ram.scaled else cells
    return RamUse(ram.cost * used + SELECT_COST * selectors, cells, deep)


def _padded(bits: int, byte: int) -> int:
    return ceil_div(bits, byte) * byte
