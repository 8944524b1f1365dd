"""What stands on a board around an engine: pins, clocks and the SDRAM's core."""

from __future__ import annotations

from typing import Any

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
from ..platforms.clocking import Clocking, ecp5_loop
from ..platforms.pll import PllSetting
from ..platforms.registry import BoardDescription
from ..sdram.core import CORE, SdramCore
from .board_design import busy_light, serial_port
from .board_top import TOP

#: Pins of an SDRAM: name in the platform's resource, and in the core; none where the board ties it.
_OUTPUTS = {"a": "a", "ba": "ba", "ras": "ras_n", "cas": "cas_n", "we": "we_n"}
_OPTIONAL = {"clk_en": "cke", "cs": "cs_n", "dqm": "dm"}
#: Pins that stand for the supply of a DDR3 memory's neighbours.
_SUPPLY = ("ddr3_pseudo_power", 0)
#: Of a DDR3 memory beside the first.
_DDR_OUTPUTS = {"rst": "reset_n", "clk_en": "cke", "cs": "cs_n", "odt": "odt", "dm": "dm"}


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
        m.submodules.board = Instance(
            TOP,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_rx=rx,
            o_tx=tx,
            o_busy=busy,
            **{f"o_native__{name}": value for name, value in given.items()},
            **{f"i_native__{name}": value for name, value in taken.items()},
        )
        around = self._ddr if self.board.sdram.double else self._single_rate
        m.submodules.sdram = Instance(
            CORE,
            o_ready=Signal(name="sdram_ready"),
            **{f"i_{name}": value for name, value in given.items()},
            **{f"o_{name}": value for name, value in taken.items()},
            **around(m, platform),
        )
        return m

    def _single_rate(self, m: Module, platform) -> dict[str, Any]:
        """Clocks of an SDRAM's core, and its pins."""
        assert self.board.sdram is not None
        second = "fast" if self.board.sdram.rate > 1 else "late"
        m.domains += ClockDomain(second)
        m.submodules.clocking = Clocking(self.board, self.setting, second=second)
        ends = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        if second == "fast":
            ends |= {"i_clk2x": ClockSignal("fast"), "i_rst2x": ResetSignal("fast")}
        pins = platform.request("sdram", 0, dir="-")
        # Out of a register as the pins are, and later than they: by half a cycle of ``fast``, or by
        # the quarter of ``late``. Half a cycle of the engine's clock is so long that data, which
        # come after the SDRAM's own edge, miss that of the registers.
        m.submodules.sdram_clock = edge = io.DDRBuffer("o", pins.clk, o_domain=second)
        first = int(second == "late")
        m.d.comb += [edge.o[0].eq(Const(first)), edge.o[1].eq(Const(1 - first))]
        outputs = _OUTPUTS | {ours: core for ours, core in _OPTIONAL.items() if hasattr(pins, ours)}
        ends |= {f"o_{core}": getattr(pins, ours).io for ours, core in outputs.items()}
        return ends | {"io_dq": pins.dq.io}

    def _ddr(self, m: Module, platform) -> dict[str, Any]:
        """The same of a DDR3 memory's core, which gives the engine its clock."""
        assert self.board.sdram is not None
        oscillator = io.Buffer("i", platform.request(platform.default_clk, dir="-"))
        loop, locked, clock = Signal(name="loop_clock"), Signal(), Signal(name="design_clock")
        m.submodules.oscillator = oscillator
        m.submodules.pll = ecp5_loop(self.setting, oscillator.i, loop, locked)
        platform.add_clock_constraint(loop, self.setting.frequency)
        platform.add_clock_constraint(clock, self.setting.frequency // 2)
        m.d.comb += ClockSignal().eq(clock)
        if _SUPPLY in platform.resources:
            supply = platform.request(*_SUPPLY, dir="-")
            for name in ("vcc_virtual", "gnd_virtual"):
                # Left at what they are without a driver: the supply that they are named for.
                m.submodules[name] = io.Buffer("o", getattr(supply, name))
        pins = platform.request("ddr3", 0, dir="-")
        ends = {
            "i_clk2x": loop,
            "i_locked": locked,
            "i_clk_power": oscillator.i,
            "o_clk": clock,
            "o_rst": ResetSignal(),
            "o_clk_p": pins.clk.p,
            "io_dq": pins.dq.io,
            "io_dqs_p": pins.dqs.p,
        }
        outputs = _OUTPUTS | _DDR_OUTPUTS
        return ends | {f"o_{core}": getattr(pins, ours).io for ours, core in outputs.items()}
