"""The design's clock from the board's oscillator."""

from __future__ import annotations

from typing import Any, Literal

from amaranth import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from ...hw.memories.devices import Family
from .pll import PllSetting, ecp5_pll, gowin_pll, ice40_filter_range, ice40_pll
from .registry import BoardDescription

#: iCE40 block RAM reads as zero for some microseconds after configuration: the reset waits longer.
_RESET_SECONDS = 20e-6


def pll_setting(board: BoardDescription, clock: int) -> PllSetting | None:
    """Setting that makes ``clock`` Hz on ``board``; None where the oscillator has it already.

    Raises:
        RheobaseError: the board's loop cannot make it.
    """
    if clock == board.oscillator:
        return None
    found = {Family.ECP5: ecp5_pll, Family.ICE40: ice40_pll, Family.GOWIN: gowin_pll}
    return found[board.family](board.oscillator, clock)


class Clocking(Elaboratable):
    """Drives the domain ``sync``: the oscillator or a loop behind it, with a reset at power-up.

    The reset lasts until the loop has locked and 20 microseconds have passed since.

    Args:
        second: another domain, by the loop's other output (ECP5). ``fast`` has the loop's clock
            and ``sync`` half of it, with the same edge; ``late`` has the clock of ``sync``, a
            quarter of a cycle later.
    """

    def __init__(
        self,
        board: BoardDescription,
        setting: PllSetting | None,
        *,
        second: Literal["fast", "late"] | None = None,
    ):
        self.board = board
        self.setting = setting
        self.second = second

    def elaborate(self, platform) -> Module:
        m = Module()
        port = platform.request(platform.default_clk, dir="-")
        fast = self.second == "fast"
        loop_clock = Signal(name="fast_clock" if fast else "design_clock")
        other_clock = Signal(name="design_clock" if fast else "late_clock")
        clock = other_clock if fast else loop_clock
        locked = Signal(init=1)
        if self.setting is not None and self.board.family == Family.ICE40 and self.board.pad_loop:
            # The clock pin is the loop's own pad: it must not pass an input buffer.
            m.submodules.pll = self._ice40(
                "SB_PLL40_PAD", "PACKAGEPIN", port.io, loop_clock, locked
            )
        else:
            m.submodules.pad = pad = io.Buffer("i", port)
            if self.setting is None:
                m.d.comb += [loop_clock.eq(pad.i), locked.eq(1)]
            elif self.second is not None:
                other = self._other_output(other_clock, *((2, 0) if fast else (1, 1)))
                m.submodules.pll = ecp5_loop(self.setting, pad.i, loop_clock, locked, other)
            else:
                m.submodules.pll = self._loop(pad.i, loop_clock, locked)
        frequency = self.board.oscillator if self.setting is None else self.setting.frequency
        if self.setting is not None:
            platform.add_clock_constraint(loop_clock, frequency)
        if fast:
            frequency //= 2
        if self.second is not None:
            m.d.comb += ClockSignal(self.second).eq(loop_clock if fast else other_clock)
            platform.add_clock_constraint(other_clock, frequency)

        m.domains.power = ClockDomain(local=True, reset_less=True)
        m.d.comb += [ClockSignal("sync").eq(clock), ClockSignal("power").eq(clock)]
        waiting = Signal(range(round(_RESET_SECONDS * frequency) + 1))
        waited = Signal()
        with m.If(waiting == round(_RESET_SECONDS * frequency)):
            m.d.power += waited.eq(1)
        with m.Elif(locked):
            m.d.power += waiting.eq(waiting + 1)
        m.submodules.reset = ResetSynchronizer(~waited, domain="sync")
        if fast:
            m.submodules.fast_reset = ResetSynchronizer(~waited, domain="fast")
        return m

    def _loop(self, reference: Signal, clock: Signal, locked: Signal) -> Instance:
        """A loop that takes its reference from anywhere."""
        if self.board.family == Family.ICE40:
            return self._ice40("SB_PLL40_CORE", "REFERENCECLK", reference, clock, locked)
        if self.board.family == Family.ECP5:
            assert self.setting is not None
            return ecp5_loop(self.setting, reference, clock, locked)
        return self._gowin(reference, clock, locked)

    def _other_output(self, clock: Signal, ratio: int, quarters: int) -> dict[str, Any]:
        """The loop's other output, ``ratio`` times slower, and later by quarters of a cycle."""
        setting = self.setting
        # In eighths of a cycle of the loop's oscillator.
        later = 2 * quarters * setting.output_divider
        return {
            "a_FREQUENCY_PIN_CLKOS": f"{setting.frequency / ratio / 1e6:.6f}",
            "p_CLKOS_ENABLE": "ENABLED",
            "p_CLKOS_DIV": ratio * setting.output_divider,
            "p_CLKOS_CPHASE": setting.output_divider - 1 + later // 8,
            "p_CLKOS_FPHASE": later % 8,
            "o_CLKOS": clock,
        }

    def _gowin(self, reference: Signal, clock: Signal, locked: Signal) -> Instance:
        setting = self.setting
        return Instance(
            "rPLL",
            p_DEVICE=self.board.device.name,
            p_FCLKIN=f"{setting.reference / 1e6:g}",
            p_IDIV_SEL=setting.reference_divider - 1,
            p_FBDIV_SEL=setting.feedback_divider - 1,
            p_ODIV_SEL=setting.output_divider,
            i_CLKIN=reference,
            i_CLKFB=Const(0),
            i_RESET=Const(0),
            i_RESET_P=Const(0),
            i_IDSEL=Const(0, 6),
            i_FBDSEL=Const(0, 6),
            i_ODSEL=Const(0, 6),
            i_DUTYDA=Const(0, 4),
            i_PSDA=Const(0, 4),
            i_FDLY=Const(0, 4),
            o_CLKOUT=clock,
            o_LOCK=locked,
        )

    def _ice40(self, kind: str, port: str, reference, clock: Signal, locked: Signal) -> Instance:
        """The loop ``kind``, whose ``port`` takes the reference."""
        setting = self.setting
        return Instance(
            kind,
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(setting.reference_divider - 1, 4),
            p_DIVF=Const(setting.feedback_divider - 1, 7),
            p_DIVQ=Const(setting.output_divider.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(ice40_filter_range(setting), 3),
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            **{f"i_{port}": reference},
            o_PLLOUTGLOBAL=clock,
            o_LOCK=locked,
        )


def ecp5_loop(
    setting: PllSetting,
    reference: Signal,
    clock: Signal,
    locked: Signal,
    other: dict[str, Any] | None = None,
) -> Instance:
    """A phase-locked loop of an ECP5, whose other output ``other`` has parameters and ports of."""
    return Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKI=f"{setting.reference / 1e6:.6f}",
        a_FREQUENCY_PIN_CLKOP=f"{setting.frequency / 1e6:.6f}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_PLLRST_ENA="DISABLED",
        p_INTFB_WAKE="DISABLED",
        p_STDBY_ENABLE="DISABLED",
        p_DPHASE_SOURCE="DISABLED",
        p_OUTDIVIDER_MUXA="DIVA",
        p_OUTDIVIDER_MUXB="DIVB",
        p_OUTDIVIDER_MUXC="DIVC",
        p_OUTDIVIDER_MUXD="DIVD",
        p_CLKI_DIV=setting.reference_divider,
        p_CLKFB_DIV=setting.feedback_divider,
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_DIV=setting.output_divider,
        p_CLKOP_CPHASE=setting.output_divider - 1,
        p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        i_RST=Const(0),
        i_STDBY=Const(0),
        i_CLKI=reference,
        i_CLKFB=clock,
        o_CLKOP=clock,
        i_PHASESEL0=Const(0),
        i_PHASESEL1=Const(0),
        i_PHASEDIR=Const(1),
        i_PHASESTEP=Const(1),
        i_PHASELOADREG=Const(1),
        i_PLLWAKESYNC=Const(0),
        i_ENCLKOP=Const(0),
        o_LOCK=locked,
        **(other or {}),
    )
