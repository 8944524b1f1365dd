"""OrangeCrab r0.2 with the pins of its DDR3 memory, three of which amaranth-boards has elsewhere.

Pins: the board's schematic (github.com/orangecrab-fpga/orangecrab-hardware, r0.2). Bank addresses
are at D6, B7 and A6, of which amaranth-boards has none, and the strobe and the mask of the lower
byte, whose data are around B15, are those of that side; a strobe at the other is no place where
nextpnr can put it.
"""

from __future__ import annotations

from amaranth.build import Attrs, DiffPairs, Pins, PinsN, Resource, Subsignal
from amaranth_boards.orangecrab_r0_2 import (
    OrangeCrabR0_2_25FPlatform,
    OrangeCrabR0_2_85FPlatform,
)

_DDR3 = Resource(
    "ddr3",
    0,
    Subsignal("rst", PinsN("L18", dir="o")),
    Subsignal("clk", DiffPairs("J18", "K18", dir="o"), Attrs(IO_TYPE="SSTL135D_I")),
    Subsignal("clk_en", Pins("D18", dir="o")),
    Subsignal("cs", PinsN("A12", dir="o")),
    Subsignal("we", PinsN("B12", dir="o")),
    Subsignal("ras", PinsN("C12", dir="o")),
    Subsignal("cas", PinsN("D13", dir="o")),
    # As many rows as 1 Gbit have; larger memories have A13 to A15 at C1, A2 and C7.
    Subsignal("a", Pins("C4 D2 D3 A3 A4 D4 C3 B2 B1 D1 A7 C2 B6", dir="o")),
    Subsignal("ba", Pins("D6 B7 A6", dir="o")),
    Subsignal(
        "dqs",
        DiffPairs("B15 G18", "A16 H17", dir="io"),
        Attrs(IO_TYPE="SSTL135D_I", TERMINATION="OFF", DIFFRESISTOR="100"),
    ),
    Subsignal(
        "dq",
        Pins("C17 D15 B17 C16 A15 B13 A17 A13 F17 F16 G15 F15 J16 C18 H16 F18", dir="io"),
        Attrs(TERMINATION="75"),
    ),
    Subsignal("dm", Pins("D16 G16", dir="o")),
    Subsignal("odt", Pins("C13", dir="o")),
    Attrs(IO_TYPE="SSTL135_I", SLEWRATE="FAST"),
)


def _with_memory(resources: list[Resource]) -> list[Resource]:
    return [_DDR3 if one.name == "ddr3" else one for one in resources]


class OrangeCrab25FPlatform(OrangeCrabR0_2_25FPlatform):
    """OrangeCrab r0.2 with an LFE5U-25F."""

    resources = _with_memory(OrangeCrabR0_2_25FPlatform.resources)


class OrangeCrab85FPlatform(OrangeCrabR0_2_85FPlatform):
    """OrangeCrab r0.2 with an LFE5U-85F."""

    resources = _with_memory(OrangeCrabR0_2_85FPlatform.resources)
