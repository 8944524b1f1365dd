"""Tang Nano 20K, which amaranth-boards does not have, and its Tang Nano 9K with today's nextpnr.

Pins of the 20K: Sipeed's wiki and examples (github.com/sipeed/TangNano-20K-example). The serial
lines of both go to the USB debugger on the board.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth_boards import tang_nano_9k
from amaranth_boards.resources import ButtonResources, LEDResources, UARTResource

from .gowin import HimbaechelGowinPlatform

_IO = Attrs(IO_TYPE="LVCMOS33")


class TangNano20kPlatform(HimbaechelGowinPlatform):
    """Tang Nano 20K."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    database = "GW2A-18C"
    default_clk = "clk27"
    resources = (
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), _IO),
        *ButtonResources(pins="88 87", attrs=_IO),
        *LEDResources(pins="15 16 17 18 19 20", invert=True, attrs=_IO),
        UARTResource(0, rx="70", tx="69", attrs=Attrs(IO_TYPE="LVCMOS33", PULL_MODE="UP")),
    )
    connectors = ()


class TangNano9kPlatform(HimbaechelGowinPlatform, tang_nano_9k.TangNano9kPlatform):
    """Tang Nano 9K."""

    database = "GW1N-9C"
