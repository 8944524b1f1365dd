"""Colorlight i5 and i9 on their extension board, which amaranth-boards does not have.

Pins: the modules' documentation at github.com/wuxx/Colorlight-FPGA-Projects (i5 v7.0, i9 v7.2). The
serial line goes to the extension board's USB debug adapter. The SDRAM's pins are the same on both:
its clock enable is tied high, its chip select and masks are tied low.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Pins, PinsN, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, SDRAMResource, UARTResource

_IO = Attrs(IO_TYPE="LVCMOS33")


def _resources(led: str) -> list[Resource]:
    return [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), _IO),
        *LEDResources(pins=led, invert=True, attrs=_IO),
        Resource("button", 0, PinsN("K18", dir="i"), Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),
        UARTResource(0, rx="H18", tx="J17", attrs=_IO),
        SDRAMResource(
            0,
            clk="B9",
            we_n="A10",
            ras_n="B10",
            cas_n="A9",
            ba="B11 C8",
            a="B13 C14 A16 A17 B16 B15 A14 A13 A12 A11 B12",
            dq="B6 A5 A6 A7 C7 B8 B5 A8 D8 D7 E8 D6 C6 D5 E7 C5 "
            "C10 D9 E11 D11 C11 D12 E9 C12 E14 C15 E13 D15 E12 B17 D14 D13",
            attrs=Attrs(IO_TYPE="LVCMOS33", DRIVE="4", PULLMODE="NONE", SLEWRATE="FAST"),
        ),
    ]


class _ColorlightPlatform(LatticeECP5Platform):
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    connectors = ()

    def toolchain_prepare(self, fragment, name, **kwargs):
        return super().toolchain_prepare(fragment, name, **{"ecppack_opts": "--compress", **kwargs})


class ColorlightI5Platform(_ColorlightPlatform):
    """Colorlight i5 v7.0."""

    device = "LFE5U-25F"
    resources = _resources(led="U16")


class ColorlightI9Platform(_ColorlightPlatform):
    """Colorlight i9 v7.2."""

    device = "LFE5U-45F"
    resources = _resources(led="L2")
