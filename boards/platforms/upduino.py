"""UPduino 3.1 with the clock and the serial line that amaranth-boards' platform leaves out.

Pins: github.com/tinyvision-ai-inc/UPduino-v3.0.
"""

from __future__ import annotations

from amaranth.build import Attrs
from amaranth_boards import upduino_v3
from amaranth_boards.resources import UARTResource


class UPduinoPlatform(upduino_v3.UpduinoV3Platform):
    """Its crystal oscillator in place of the device's own one, too unsteady for a serial line."""

    default_clk = "clk12"
    resources = (
        *upduino_v3.UpduinoV3Platform.resources,
        UARTResource(0, rx="23", tx="25", attrs=Attrs(IO_STANDARD="SB_LVCMOS", PULLUP=1)),
    )
