"""What stands on a board around an engine: pins, clocks and the SDRAM's core."""

from __future__ import annotations

from amaranth import (
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import io

from ...hw.engine.memory.litedram_port import NativePort
from ..platforms.clocking import Clocking
from ..platforms.pll import PllSetting
from ..platforms.registry import BoardDescription
from ..sdram.core import CORE, SdramCore
from .board_design import busy_light, serial_port
from .board_top import TOP

#: Pins of an SDRAM: name in the platform's resource, and in the core; none where the board ties it.
_OUTPUTS = {"a": "a", "ba": "ba", "ras": "ras_n", "cas": "cas_n", "we": "we_n"}
_OPTIONAL = {"clk_en": "cke", "cs": "cs_n", "dqm": "dm"}


class EngineBoardDesign(Elaboratable):
    """Pins and clocks of ``board``, the Verilog of an engine's board, and the SDRAM's core.

    Args:
        setting: of the loop: the SDRAM's clock.
    """

    def __init__(self, board: BoardDescription, setting: PllSetting, core: SdramCore):
        self.board = board
        self.setting = setting
        self.core = core

    def elaborate(self, platform) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        assert self.board.sdram is not None
        second = "fast" if self.board.sdram.rate > 1 else "late"
        m.domains += ClockDomain(second)
        m.submodules.clocking = Clocking(self.board, self.setting, second=second)
        rx, tx = serial_port(m, platform)
        busy = busy_light(m, platform, self.board)
        native = NativePort(self.core.data_bits, self.core.address_bits).create()
        given = {
            name: getattr(native, name)
            for name, member in native.signature.members.items()
            if member.flow.name == "Out"
        }
        taken = {
            name: getattr(native, name) for name in native.signature.members if name not in given
        }
        clock = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        m.submodules.board = Instance(
            TOP,
            **clock,
            i_rx=rx,
            o_tx=tx,
            o_busy=busy,
            **{f"o_native__{name}": value for name, value in given.items()},
            **{f"i_native__{name}": value for name, value in taken.items()},
        )
        if second == "fast":
            clock |= {"i_clk2x": ClockSignal("fast"), "i_rst2x": ResetSignal("fast")}
        pins = platform.request("sdram", 0, dir="-")
        # Out of a register as the pins are, and later than they: by half a cycle of ``fast``, or by
        # the quarter of ``late``. Half a cycle of the engine's clock is so long that data, which
        # come after the SDRAM's own edge, miss that of the registers.
        m.submodules.sdram_clock = edge = io.DDRBuffer("o", pins.clk, o_domain=second)
        first = int(second == "late")
        m.d.comb += [edge.o[0].eq(Const(first)), edge.o[1].eq(Const(1 - first))]
        outputs = _OUTPUTS | {ours: core for ours, core in _OPTIONAL.items() if hasattr(pins, ours)}
        m.submodules.sdram = Instance(
            CORE,
            **clock,
            o_ready=Signal(name="sdram_ready"),
            **{f"i_{name}": value for name, value in given.items()},
            **{f"o_{name}": value for name, value in taken.items()},
            **{f"o_{core}": getattr(pins, ours).io for ours, core in outputs.items()},
            io_dq=pins.dq.io,
        )
        return m
