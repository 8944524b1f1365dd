"""Ticks once per bit of a serial line, for any ratio of clock and baud rate."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....golden.errors import RheobaseError
from ....hw.basics.checks import check_range

#: Clocks that a bit must take at the least: fewer leave no middle to look at.
LEAST_CLOCKS_PER_BIT = 4
#: Bits of the step that the phase takes per cycle: the mean rate is off by less than 2**-these.
_STEP_BITS = 15


class BitTimer(wiring.Component):
    """A phase accumulator: 3 Mbaud from 25 MHz is a tick every 8 or 9 cycles, 8.33 in the mean.

    Members:
        run: in; count; otherwise the phase is set back.
        start_half: in; set the phase back so that the next tick comes after half a bit of counting.
        tick: out; a bit has passed.
    """

    run: Signal
    start_half: Signal
    tick: Signal

    def __init__(self, clock: int, baud: int):
        check_range("BitTimer", "clock (Hz)", clock, 1, None)
        check_range("BitTimer", "baud", baud, 1, None)
        if clock < LEAST_CLOCKS_PER_BIT * baud:
            raise RheobaseError(
                f"baud rate {baud} at a clock of {clock} Hz, must be at most "
                f"{clock // LEAST_CLOCKS_PER_BIT} (a bit takes {LEAST_CLOCKS_PER_BIT} clocks)"
            )
        # A slow line needs a longer phase for the same exactness.
        self.phase_bits = _STEP_BITS + (clock // baud).bit_length()
        self.increment = round(baud * 2**self.phase_bits / clock)
        super().__init__({"run": In(1), "start_half": In(1), "tick": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        phase = Signal(self.phase_bits)
        advanced = Signal(self.phase_bits + 1)
        m.d.comb += [
            advanced.eq(phase + self.increment),
            self.tick.eq(self.run & advanced[-1]),
        ]
        with m.If(self.start_half):
            m.d.sync += phase.eq(1 << (self.phase_bits - 1))
        with m.Elif(self.run):
            m.d.sync += phase.eq(advanced[: self.phase_bits])
        with m.Else():
            m.d.sync += phase.eq(0)
        return m
