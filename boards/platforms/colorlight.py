"""Colorlight i5 and i9 on their extension board, which amaranth-boards does not have.

Pins: the modules' documentation at github.com/wuxx/Colorlight-FPGA-Projects (i5 v7.0, i9 v7.2). The
serial line goes to the extension board's USB debug adapter.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Pins, PinsN, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, UARTResource

_IO = Attrs(IO_TYPE="LVCMOS33")


def _resources(led: str) -> list[Resource]:
    return [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), _IO),
        *LEDResources(pins=led, invert=True, attrs=_IO),
        Resource("button", 0, PinsN("K18", dir="i"), Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),
        UARTResource(0, rx="H18", tx="J17", attrs=_IO),
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
