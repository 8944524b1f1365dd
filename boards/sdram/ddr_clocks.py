"""Clocks of an ECP5's double data rate pins: an edge clock that stops, and half of it."""

from __future__ import annotations

from litedram.phy.ecp5ddrphy import ECP5DDRPHYInit
from migen import ClockDomain, Instance, Module, Signal
from migen.genlib.resetsync import AsyncResetSynchronizer


class DdrClocks(Module):
    """``sys2x`` from a loop, by way of what stops it while its delays are set, and ``sys`` of half.

    As Lattice has it (FPGA-TN-02035): all pins begin with the same edge.

    Args:
        init: LiteDRAM's sequence, which says when the edge clock stops.

    Attributes:
        loop, locked: the loop's clock, and whether it is there.
        power: a clock that is there before the loop's.
    """

    def __init__(self, init: ECP5DDRPHYInit):
        self.clock_domains.cd_sys = ClockDomain("sys")
        self.clock_domains.cd_sys2x = ClockDomain("sys2x")
        self.clock_domains.cd_init = ClockDomain("init")
        self.loop, self.locked, self.power = Signal(), Signal(), Signal()
        bridged = Signal()
        self.comb += self.cd_init.clk.eq(self.power)
        self.specials += [
            Instance("ECLKBRIDGECS", i_CLK0=self.loop, i_SEL=0, o_ECSOUT=bridged),
            Instance("ECLKSYNCB", i_ECLKI=bridged, i_STOP=init.stop, o_ECLKO=self.cd_sys2x.clk),
            Instance(
                "CLKDIVF",
                p_DIV="2.0",
                i_ALIGNWD=0,
                i_CLKI=self.cd_sys2x.clk,
                i_RST=init.reset,
                o_CDIVX=self.cd_sys.clk,
            ),
            AsyncResetSynchronizer(self.cd_init, ~self.locked),
            AsyncResetSynchronizer(self.cd_sys, ~self.locked | init.reset),
            AsyncResetSynchronizer(self.cd_sys2x, ~self.locked | init.reset),
        ]
