"""Adders with a choice between two terms in front."""

from __future__ import annotations

from amaranth import Instance, Module, Mux, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from .verilog_text import writes_verilog


class SelectingAdders(wiring.Component):
    """``totals`` = ``values`` + (``upper`` ? ``ones`` : ``others``) + ``carry``, for each of many.

    On an ECP5 the choice is made in the carry chain's own look-up tables (``ecp5_map``).

    Args:
        count: of adders.
        width: bits of each.

    Members:
        values, ones, others: in; signed.
        upper, carry: in; of all adders.
        totals: out; of the same width.
    """

    def __init__(self, count: int, width: int):
        self.count = check_range("SelectingAdders", "count", count, 1, None)
        self.width = check_range("SelectingAdders", "width", width, 2, None)
        layout = data.ArrayLayout(signed(width), count)
        super().__init__(
            {
                "values": In(layout),
                "ones": In(layout),
                "others": In(layout),
                "upper": In(1),
                "carry": In(1),
                "totals": Out(layout),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if writes_verilog(platform):
            m.submodules.cells = Instance(
                "selecting_adders",
                p_COUNT=self.count,
                p_WIDTH=self.width,
                i_values=self.values,
                i_ones=self.ones,
                i_others=self.others,
                i_upper=self.upper,
                i_carry=self.carry,
                o_totals=self.totals,
            )
            return m
        for place in range(self.count):
            term = Mux(self.upper, self.ones[place], self.others[place])
            m.d.comb += self.totals[place].eq(self.values[place] + term + self.carry)
        return m
