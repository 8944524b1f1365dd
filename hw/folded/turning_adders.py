"""Adders that add, subtract or do neither."""

from __future__ import annotations

from amaranth import Instance, Module, Mux, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from .verilog_text import writes_verilog


class TurningAdders(wiring.Component):
    """``totals`` = ``values`` + or - ``terms``, or ``values`` alone, for each of many.

    On an ECP5 the terms are turned in the carry chain's own look-up tables (``ecp5_map``).

    Args:
        count: of adders.
        width: bits of each.

    Members:
        values, terms: in; signed.
        turned: in; a bit for each adder, it subtracts.
        adds: in; of all adders, they add or subtract at all.
        totals: out; of the same width.
    """

    def __init__(self, count: int, width: int):
        self.count = check_range("TurningAdders", "count", count, 1, None)
        self.width = check_range("TurningAdders", "width", width, 2, None)
        layout = data.ArrayLayout(signed(width), count)
        super().__init__(
            {
                "values": In(layout),
                "terms": In(layout),
                "turned": In(count),
                "adds": In(1),
                "totals": Out(layout),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if writes_verilog(platform):
            m.submodules.cells = Instance(
                "turning_adders",
                p_COUNT=self.count,
                p_WIDTH=self.width,
                i_values=self.values,
                i_terms=self.terms,
                i_turned=self.turned,
                i_adds=self.adds,
                o_totals=self.totals,
            )
            return m
        for place in range(self.count):
            turned = self.turned[place]
            term = self.terms[place] ^ turned.replicate(self.width)
            m.d.comb += self.totals[place].eq(
                self.values[place] + Mux(self.adds, term, 0) + (self.adds & turned)
            )
        return m
