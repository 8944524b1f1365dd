"""What stands on a board around module ``rheobase_board``: pins and clock."""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io

from ..platforms.clocking import Clocking
from ..platforms.pll import PllSetting
from ..platforms.registry import BoardDescription
from .board_top import TOP


class BoardDesign(Elaboratable):
    """Pins and clock of ``board``, and an instance of the Verilog that was simulated."""

    def __init__(self, board: BoardDescription, setting: PllSetting | None):
        self.board = board
        self.setting = setting

    def elaborate(self, platform) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        m.submodules.clocking = Clocking(self.board, self.setting)
        uart = platform.request("uart", dir={"rx": "-", "tx": "-"} | _other_lines(platform))
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        busy = Signal()
        if self.board.led is not None:
            led = platform.request(self.board.led, 0, dir="-")
            # An RGB light is three lines: green shows the same as a single one.
            m.submodules.led = light = io.Buffer("o", led.g if self.board.led == "rgb_led" else led)
            m.d.comb += light.o.eq(busy)
        m.submodules.board = Instance(
            TOP,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_rx=rx.i,
            o_tx=tx.o,
            o_busy=busy,
        )
        return m


def _other_lines(platform) -> dict[str, str]:
    """Handshake lines of the serial port, which stay unused."""
    return {
        line.name: "-"
        for line in platform.lookup("uart", 0).ios
        if getattr(line, "name", None) not in (None, "rx", "tx")
    }
