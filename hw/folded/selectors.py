"""One of four words."""

from __future__ import annotations

from amaranth import Array, Instance, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from .verilog_text import writes_verilog

#: Words that one is chosen of.
CHOICES = 4


class Selectors(wiring.Component):
    """``chosen`` = ``choices[select]``.

    On an ECP5 a bit takes two look-up tables and the multiplexer behind them (``ecp5_map``).

    Args:
        width: bits of a word.
    """

    def __init__(self, width: int):
        self.width = check_range("Selectors", "width", width, 1, None)
        super().__init__(
            {
                "choices": In(data.ArrayLayout(width, CHOICES)),
                "select": In(range(CHOICES)),
                "chosen": Out(width),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if writes_verilog(platform):
            m.submodules.cells = Instance(
                "selectors",
                p_WIDTH=self.width,
                i_choices=self.choices,
                i_select=self.select,
                o_chosen=self.chosen,
            )
            return m
        choices = Array([self.choices[place] for place in range(CHOICES)])
        m.d.comb += self.chosen.eq(choices[self.select])
        return m
