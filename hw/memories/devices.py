"""Devices: their families, as yosys calls them, and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..design.style import COMPACT, FAST, Style


class Family(StrEnum):
    """Device families: each has memories, cells and a place-and-route tool of its own."""

    ECP5 = "ecp5"
    ICE40 = "ice40"
    GOWIN = "gowin"

    @property
    def style(self) -> Style:
        """How layers are built for it: on iCE40 a register takes a logic cell of its own."""
        return COMPACT if self is Family.ICE40 else FAST

    @property
    def logic(self) -> str:
        """What its logic is counted in: see ``Area.luts``."""
        return "LUT4" if self is Family.ECP5 else "logic cells"

    @property
    def distributed_luts(self) -> int:
        """Look-up tables that a 16 x 4 distributed RAM takes the place of."""
        return 8 if self is Family.GOWIN else 6

    @property
    def block_ram_bits(self) -> int:
        """Bits of a block RAM, parity bits included."""
        return 4 * 1024 if self is Family.ICE40 else 18 * 1024


#: Bits of a large RAM, of one port, that iCE40 UltraPlus has beside its block RAMs.
LARGE_RAM_BITS = 256 * 1024


@dataclass(frozen=True)
class Device:
    """A device's size, from its data sheet.

    Attributes:
        luts: 4-input look-up tables.
        block_rams: number of block RAMs.
        large_ram_bits: bits of single-port RAM blocks besides those (iCE40 UltraPlus).
    """

    name: str
    family: Family
    luts: int
    block_rams: int
    large_ram_bits: int = 0

    @property
    def memory_bits(self) -> int:
        """Bits of all block RAMs."""
        return self.block_rams * self.family.block_ram_bits


#: ECP5: FPGA-DS-02012. The 12F is sold as 12,000 LUTs; the open tools know its die as a 25F's.
LFE5U_12F = Device("LFE5U-12F", Family.ECP5, 12_000, 32)
LFE5U_25F = Device("LFE5U-25F", Family.ECP5, 24_288, 56)
LFE5U_45F = Device("LFE5U-45F", Family.ECP5, 43_848, 108)
LFE5U_85F = Device("LFE5U-85F", Family.ECP5, 83_640, 208)
LFE5UM5G_85F = Device("LFE5UM5G-85F", Family.ECP5, 83_640, 208)
#: iCE40 UltraPlus: FPGA-DS-02008; four single-port RAMs.
ICE40UP5K = Device("iCE40UP5K", Family.ICE40, 5_280, 30, 4 * LARGE_RAM_BITS)
#: Gowin: DS117 (GW1NR) and DS226 (GW2AR).
GW1NR_9C = Device("GW1NR-9C", Family.GOWIN, 8_640, 26)
GW2AR_18C = Device("GW2AR-18C", Family.GOWIN, 20_736, 46)
