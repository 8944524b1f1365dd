"""The boards that ``rheobase build`` knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...golden.errors import RheobaseError, shown
from ...hw.memories.devices import (
    ICE40UP5K,
    LFE5U_12F,
    LFE5U_25F,
    LFE5U_45F,
    LFE5U_85F,
    Device,
    Family,
)


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
        loader: the board's name in openFPGALoader.
        uart_pins: (rx, tx) on connector ``io`` where the platform names no serial line.
        led: resource that shows that an image is inside.
        note: what one has to know to talk to it.
    """

    id: str
    title: str
    device: Device
    platform_path: str
    oscillator: int
    clock: int
    loader: str
    note: str
    uart_pins: tuple[str, str] | None = None
    led: str = "led"

    @property
    def family(self) -> Family:
        return self.device.family

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
_DAPLINK = "the extension board's USB debug adapter; its firmware may not reach 3 Mbaud: try --baud"


def _ulx3s(size: str, device: Device) -> BoardDescription:
    return BoardDescription(
        id=f"ulx3s-{size}",
        title=f"ULX3S-{size.upper()}",
        device=device,
        platform_path=f"amaranth_boards.ulx3s:ULX3S_{size.upper()}_Platform",
        oscillator=25_000_000,
        clock=50_000_000,
        loader="ulx3s",
        note=_FTDI,
    )


_ALL = (
    _ulx3s("12f", LFE5U_12F),
    _ulx3s("25f", LFE5U_25F),
    _ulx3s("45f", LFE5U_45F),
    _ulx3s("85f", LFE5U_85F),
    BoardDescription(
        id="colorlight-i5",
        title="Colorlight i5 v7.0",
        device=LFE5U_25F,
        platform_path=".colorlight:ColorlightI5Platform",
        oscillator=25_000_000,
        clock=50_000_000,
        loader="colorlight-i5",
        note=_DAPLINK,
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
    ),
    BoardDescription(
        id="orangecrab-85f",
        title="OrangeCrab r0.2 85F",
        device=LFE5U_85F,
        platform_path="amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_85FPlatform",
        oscillator=48_000_000,
        clock=48_000_000,
        loader="orangeCrab",
        note="a USB serial adapter (3.3 V) at the pins 0 (its TX) and 1 (its RX)",
        uart_pins=("0", "1"),
        led="rgb_led",
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
)
BOARDS = {board.id: board for board in _ALL}
#: Targets of ``rheobase build`` that are no board: plain Verilog for other flows.
VERILOG_TARGETS = ("generic", "asic")


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
