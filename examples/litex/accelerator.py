"""rheobase's accelerator as a LiteX module: a Wishbone device with an interrupt.

    from accelerator import Accelerator

    soc.add_module("accelerator", Accelerator(platform, "digits_wb.v"))
    soc.bus.add_slave("accelerator", soc.accelerator.bus, region)
    soc.irq.add("accelerator")

`rheobase generate --interface wishbone` writes the Verilog, and beside it the C header of the
registers, which docs/how-to/bus.md describes.
"""

from __future__ import annotations

import re
from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal


class Accelerator(LiteXModule):
    """The accelerator behind ``bus``, whose region has to be uncached.

    Attributes:
        bus: classic Wishbone of 32 bits, addressed by words.
        ev: one event, ``results``: the results of a whole image wait.

    Args:
        platform: LiteX platform, which gets the Verilog as a source.
        verilog: file of `rheobase generate --interface wishbone`.
        name: top module without ``_wb``.

    Raises:
        ValueError: the file has no such module.
    """

    def __init__(self, platform, verilog: str | Path, name: str = "accelerator"):
        address = re.search(
            rf"^module {name}_wb\(.*?\[(\d+):2\] adr_i", Path(verilog).read_text(), re.DOTALL | re.M
        )
        if address is None:
            raise ValueError(
                f"{verilog}: has no module {name}_wb, must be written by "
                "`rheobase generate --interface wishbone`"
            )
        self.bus = bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word")
        self.ev = EventManager()
        self.ev.results = EventSourceLevel()
        self.ev.finalize()
        self.specials += Instance(
            f"{name}_wb",
            i_clk_i=ClockSignal("sys"),
            i_rst_i=ResetSignal("sys"),
            i_adr_i=bus.adr[: int(address[1]) - 1],
            i_dat_i=bus.dat_w,
            i_sel_i=bus.sel,
            i_we_i=bus.we,
            i_stb_i=bus.stb,
            i_cyc_i=bus.cyc,
            o_dat_o=bus.dat_r,
            o_ack_o=bus.ack,
            o_err_o=bus.err,
            o_irq_o=self.ev.results.trigger,
        )
        platform.add_source(str(verilog))
