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
        rx, tx = serial_port(m, platform)
        busy = busy_light(m, platform, self.board)
        m.submodules.board = Instance(
            TOP,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_rx=rx,
            o_tx=tx,
            o_busy=busy,
        )
        return m


def serial_port(m: Module, platform) -> tuple[Signal, Signal]:
    """The serial line's pins: what comes in, and what goes out."""
    uart = platform.request("uart", dir={"rx": "-", "tx": "-"} | _other_lines(platform))
    m.submodules.rx = rx = io.Buffer("i", uart.rx)
    m.submodules.tx = tx = io.Buffer("o", uart.tx)
    return rx.i, tx.o


def busy_light(m: Module, platform, board: BoardDescription) -> Signal:
    """What lights the board's LED, if it has one."""
    busy = Signal(name="busy")
    if board.led is not None:
        led = platform.request(board.led, 0, dir="-")
        # An RGB light is three lines: green shows the same as a single one.
        m.submodules.led = light = io.Buffer("o", led.g if board.led == "rgb_led" else led)
        m.d.comb += light.o.eq(busy)
    return busy


def _other_lines(platform) -> dict[str, str]:
    """Handshake lines of the serial port, which stay unused."""
    return {
        line.name: "-"
        for line in platform.lookup("uart", 0).ios
        if getattr(line, "name", None) not in (None, "rx", "tx")
    }
