"""The boards that ``rheobase build`` knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...golden.errors import RheobaseError, shown
from ...hw.memories.devices import (
    GW1NR_9C,
    GW2AR_18C,
    ICE40UP5K,
    LFE5U_12F,
    LFE5U_25F,
    LFE5U_45F,
    LFE5U_85F,
    LFE5UM5G_85F,
    Device,
    Family,
)
from ..sdram.chips import M12L16161A, M12L64322A, MT41K64M16, MT48LC16M16, SdramChip


@dataclass(frozen=True)
class FamilyTools:
    """Programs that make a bitstream, and what they write.

    Attributes:
        place: place and route; ``pack``: to a bitstream.
        placement: suffix of what the one gives to the other.
        bitstream: suffix of the bitstream.
    """

    place: str
    pack: str
    placement: str
    bitstream: str


FAMILY_TOOLS = {
    Family.ECP5: FamilyTools("nextpnr-ecp5", "ecppack", "config", "bit"),
    Family.ICE40: FamilyTools("nextpnr-ice40", "icepack", "asc", "bin"),
    Family.GOWIN: FamilyTools("nextpnr-himbaechel-gowin", "gowin_pack", "pnr.json", "fs"),
}


@dataclass(frozen=True)
class BoardDescription:
    """One board.

    Attributes:
        id: name on the command line.
        title: the board's own name.
        device: what is on it.
        platform_path: module and class of its Amaranth platform.
        oscillator: frequency of the board's clock, Hz.
        clock: design clock where none is asked for, Hz.
        loader: the board's name in openFPGALoader; None where that does not know it.
        note: what one has to know to talk to it.
        uart_pins: (rx, tx) on connector ``io`` where the platform names no serial line.
        led: resource that shows that an image is inside; None where there is none to spare.
        pad_loop: the oscillator is at a phase-locked loop's own pin (iCE40).
        cable: what openFPGALoader calls the way to the board, where it is not the usual one.
        by_hand: how to program the board without openFPGALoader.
        sdram: the board's, where the platform's resource ``sdram`` or ``ddr3`` has its pins.
        engine: name of the engine that is built where none is asked for.
    """

    id: str
    title: str
    device: Device
    platform_path: str
    oscillator: int
    clock: int
    loader: str | None
    note: str
    uart_pins: tuple[str, str] | None = None
    led: str | None = "led"
    pad_loop: bool = True
    cable: str | None = None
    by_hand: str = ""
    sdram: SdramChip | None = None
    engine: str | None = None

    @property
    def family(self) -> Family:
        return self.device.family

    @property
    def takes_engine(self) -> bool:
        """There is an SDRAM, behind pins that the controller has for this family."""
        return self.sdram is not None and self.family is Family.ECP5

    def platform(self) -> Any:
        """A fresh Amaranth platform with a resource ``uart``."""
        module, name = self.platform_path.split(":")
        factory: Callable[[], Any] = getattr(import_module(module, __package__), name)
        platform = factory()
        if self.uart_pins is not None:
            from amaranth.build import Attrs
            from amaranth_boards.resources import UARTResource

            rx, tx = self.uart_pins
            uart = UARTResource(
                0, rx=rx, tx=tx, conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
            )
            platform.add_resources([uart])
        return platform


_FTDI = "the board's USB serial adapter (FT231X), up to 3 Mbaud"
_ADAPTER = "a USB serial adapter (3.3 V)"
_SLOW = "; its firmware may not reach 3 Mbaud: try --baud"
_DAPLINK = f"the extension board's USB debug adapter{_SLOW}"


def _ulx3s(size: str, device: Device, engine: str) -> BoardDescription:
    return BoardDescription(
        id=f"ulx3s-{size}",
        title=f"ULX3S-{size.upper()}",
        device=device,
        platform_path=f"amaranth_boards.ulx3s:ULX3S_{size.upper()}_Platform",
        oscillator=25_000_000,
        clock=50_000_000,
        loader="ulx3s",
        note=_FTDI,
        sdram=MT48LC16M16,
        engine=engine,
    )


def _orangecrab(size: str, device: Device, engine: str) -> BoardDescription:
    return BoardDescription(
        id=f"orangecrab-{size}",
        title=f"OrangeCrab r0.2 {size.upper()}",
        device=device,
        platform_path=f".orangecrab:OrangeCrab{size.upper()}Platform",
        oscillator=48_000_000,
        clock=48_000_000,
        loader="orangeCrab",
        note=f"{_ADAPTER} at the pins 0 (its TX) and 1 (its RX)",
        uart_pins=("0", "1"),
        led="rgb_led",
        sdram=MT41K64M16,
        engine=engine,
    )


_ALL = (
    # A 12F's die is that of a 25F.
    _ulx3s("12f", LFE5U_12F, "ulx3s-25f"),
    _ulx3s("25f", LFE5U_25F, "ulx3s-25f"),
    _ulx3s("45f", LFE5U_45F, "ulx3s-45f"),
    _ulx3s("85f", LFE5U_85F, "ulx3s-85f"),
    BoardDescription(
        id="colorlight-i5",
        title="Colorlight i5 v7.0",
        device=LFE5U_25F,
        platform_path=".colorlight:ColorlightI5Platform",
        oscillator=25_000_000,
        clock=50_000_000,
        loader="colorlight-i5",
        note=_DAPLINK,
        sdram=M12L64322A,
        engine="ulx3s-25f",
    ),
    BoardDescription(
        id="colorlight-i9",
        title="Colorlight i9 v7.2",
        device=LFE5U_45F,
        platform_path=".colorlight:ColorlightI9Platform",
        oscillator=25_000_000,
        clock=50_000_000,
        loader="colorlight-i9",
        note=_DAPLINK,
        sdram=M12L64322A,
        engine="ulx3s-45f",
    ),
    BoardDescription(
        id="colorlight-5a-75b",
        title="Colorlight 5A-75B v7.0",
        device=LFE5U_25F,
        platform_path="amaranth_boards.colorlight_5a75b_r7_0:Colorlight_5A75B_R70Platform",
        oscillator=25_000_000,
        clock=50_000_000,
        loader="colorlight",
        note=f"{_ADAPTER} at connector J19, KEY+ (its TX) and DATA_LED- (its RX); to program it, a "
        "JTAG adapter at J27 to J34",
        # The light's pin is the serial line's.
        led=None,
        sdram=M12L16161A,
        engine="ulx3s-25f",
    ),
    _orangecrab("25f", LFE5U_25F, "ulx3s-25f"),
    _orangecrab("85f", LFE5U_85F, "ulx3s-85f"),
    BoardDescription(
        id="ecpix-5-85f",
        title="ECPIX-5 85F",
        device=LFE5UM5G_85F,
        platform_path="amaranth_boards.ecpix5:ECPIX585Platform",
        oscillator=100_000_000,
        clock=50_000_000,
        loader="ecpix5",
        note="the second port of the board's USB serial adapter (FT2232H), up to 3 Mbaud",
        led="rgb_led",
    ),
    BoardDescription(
        id="icepi-zero",
        title="Icepi Zero v1.3",
        device=LFE5U_25F,
        platform_path="amaranth_boards.icepi_zero:IcepiZero1_3Platform",
        oscillator=50_000_000,
        clock=50_000_000,
        loader="icepi-zero",
        note=_FTDI,
        sdram=MT48LC16M16,
        engine="ulx3s-25f",
    ),
    BoardDescription(
        id="icebreaker",
        title="iCEBreaker",
        device=ICE40UP5K,
        platform_path="amaranth_boards.icebreaker:ICEBreakerPlatform",
        oscillator=12_000_000,
        clock=12_000_000,
        loader="ice40_generic",
        note="the second port of the board's USB serial adapter (FT2232H), up to 3 Mbaud",
    ),
    BoardDescription(
        id="icesugar",
        title="iCESugar v1.5",
        device=ICE40UP5K,
        platform_path="amaranth_boards.icesugar:ICESugarPlatform",
        oscillator=12_000_000,
        clock=12_000_000,
        loader=None,
        note=f"the board's USB debugger (iCELink){_SLOW}",
        by_hand="copy it to the USB drive that the board is (iCELink)",
    ),
    BoardDescription(
        id="upduino",
        title="UPduino 3.1",
        device=ICE40UP5K,
        platform_path=".upduino:UPduinoPlatform",
        oscillator=12_000_000,
        clock=12_000_000,
        loader="ice40_generic",
        note=f"{_ADAPTER} at the pins 23 (its TX) and 25 (its RX); jumper OSC must be shorted",
        led="rgb_led",
        pad_loop=False,
        cable="ft232",
    ),
    BoardDescription(
        id="tang-nano-20k",
        title="Tang Nano 20K",
        device=GW2AR_18C,
        platform_path=".tang_nano:TangNano20kPlatform",
        oscillator=27_000_000,
        clock=54_000_000,
        loader="tangnano20k",
        note=f"the second port of the board's USB debugger (BL616){_SLOW}",
    ),
    BoardDescription(
        id="tang-nano-9k",
        title="Tang Nano 9K",
        device=GW1NR_9C,
        platform_path=".tang_nano:TangNano9kPlatform",
        oscillator=27_000_000,
        clock=27_000_000,
        loader="tangnano9k",
        note=f"the second port of the board's USB debugger (BL702){_SLOW}",
    ),
)
BOARDS = {board.id: board for board in _ALL}
#: Targets of ``rheobase build`` that are no board: plain Verilog for other flows.
VERILOG_TARGETS = ("generic", "asic")


def boards_with_engine() -> list[str]:
    """Boards that an engine can be built for."""
    return [name for name, board in BOARDS.items() if board.takes_engine]


def board(name: str, targets: Sequence[str] = ()) -> BoardDescription:
    """The board with the id ``name``.

    Args:
        targets: what the caller accepts besides boards, to be named in the error.

    Raises:
        RheobaseError: there is no such board; those that there are are listed.
    """
    if name not in BOARDS:
        hint = " is what `rheobase build` writes" if name in VERILOG_TARGETS else ""
        accepted = ", ".join((*BOARDS, *targets))
        raise RheobaseError(f"--board: {shown(name)}{hint}, must be one of {accepted}")
    return BOARDS[name]
