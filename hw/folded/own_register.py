"""A register that a part has for itself."""

from __future__ import annotations

from amaranth import ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from .verilog_text import writes_verilog


class OwnRegister(wiring.Component):
    """``now`` is what ``next`` was a cycle before.

    Where many parts far from one another need one value, each has a register of it close by.
    yosys makes one register of all that are equal; on an ECP5 it leaves this one alone
    (``ecp5_map``). It has no reset: what it begins with is 0.

    Args:
        width: bits.
    """

    def __init__(self, width: int):
        self.width = check_range("OwnRegister", "width", width, 1, None)
        super().__init__({"next": In(width), "now": Out(width)})

    def elaborate(self, platform) -> Module:
        m = Module()
        if writes_verilog(platform):
            m.submodules.cells = Instance(
                "own_register",
                p_WIDTH=self.width,
                i_clk=ClockSignal(),
                i_next=self.next,
                o_now=self.now,
            )
            return m
        held = Signal(self.width, reset_less=True)
        m.d.sync += held.eq(self.next)
        m.d.comb += self.now.eq(held)
        return m
