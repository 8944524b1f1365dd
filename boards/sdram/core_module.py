"""The core in Migen: what LiteDRAM's own generator makes, without a processor's bus."""

from __future__ import annotations

from litedram.core.controller import ControllerSettings, LiteDRAMController
from litedram.core.crossbar import LiteDRAMCrossbar
from litedram.modules import SDRAMModule
from litedram.phy.gensdrphy import GENSDRPHY, HalfRateGENSDRPHY
from litedram.phy.model import SDRAMPHYModel
from migen import ClockDomain, If, Module, Record, Signal

from .chips import SdramChip
from .start_up import StartUp

_PADS = (("ras_n", 1), ("cas_n", 1), ("we_n", 1), ("cke", 1), ("cs_n", 1))


class CoreModule(Module):
    """See ``core.SdramCore``.

    Attributes:
        ports: of the Verilog module.
        port: LiteDRAM's native port.
    """

    def __init__(
        self,
        module: SDRAMModule,
        chip: SdramChip,
        clock: int,
        latency: int,
        *,
        model: bool,
    ):
        self.clock_domains.cd_sys = ClockDomain("sys")
        self.cd_sys.clk.name_override, self.cd_sys.rst.name_override = "clk", "rst"
        clocks = [self.cd_sys.clk, self.cd_sys.rst]
        if not model and chip.rate > 1:
            self.clock_domains.cd_sys2x = ClockDomain("sys2x")
            self.cd_sys2x.clk.name_override, self.cd_sys2x.rst.name_override = "clk2x", "rst2x"
            clocks += [self.cd_sys2x.clk, self.cd_sys2x.rst]
        address_bits = module.geom_settings.addressbits
        pads = Record(
            [("a", address_bits), ("ba", chip.bank_bits), ("dq", chip.data_bits),
             ("dm", chip.data_bits // 8), *_PADS]
        )  # fmt: skip
        for name, *_ in pads.layout:
            getattr(pads, name).name_override = name
        phy = (GENSDRPHY if chip.rate == 1 else HalfRateGENSDRPHY)(pads, clock, cl=latency)
        if chip.rate > 1 and latency % 2:
            # Both words of a read must come in one cycle of the native port.
            phy.settings.rdphase = 1
        if model:
            phy = SDRAMPHYModel(module, phy.settings, clk_freq=clock)
        self.submodules.phy = phy
        self.submodules.controller = controller = LiteDRAMController(
            phy.settings,
            module.geom_settings,
            module.timing_settings,
            clock,
            ControllerSettings(cmd_buffer_buffered=True, with_auto_precharge=False),
        )
        self.submodules.crossbar = crossbar = LiteDRAMCrossbar(controller.interface)
        self.submodules.start_up = start = StartUp(
            phy.settings, module.timing_settings, controller.dfi
        )
        self.port = port = crossbar.get_port()
        ready = Signal(name_override="ready")
        self.comb += [
            ready.eq(start.done),
            If(start.done, controller.dfi.connect(phy.dfi)).Else(start.dfi.connect(phy.dfi)),
        ]
        own = Record(
            [("cmd_valid", 1), ("cmd_ready", 1), ("cmd_we", 1), ("cmd_addr", len(port.cmd.addr)),
             ("wdata_valid", 1), ("wdata_ready", 1), ("wdata_we", len(port.wdata.we)),
             ("wdata_data", len(port.wdata.data)),
             ("rdata_valid", 1), ("rdata_ready", 1), ("rdata_data", len(port.rdata.data))]
        )  # fmt: skip
        for name, *_ in own.layout:
            getattr(own, name).name_override = name
        self.comb += [
            port.cmd.valid.eq(own.cmd_valid & start.done),
            own.cmd_ready.eq(port.cmd.ready & start.done),
            port.cmd.we.eq(own.cmd_we),
            port.cmd.addr.eq(own.cmd_addr),
            port.wdata.valid.eq(own.wdata_valid),
            own.wdata_ready.eq(port.wdata.ready),
            port.wdata.we.eq(own.wdata_we),
            port.wdata.data.eq(own.wdata_data),
            own.rdata_valid.eq(port.rdata.valid),
            port.rdata.ready.eq(own.rdata_ready),
            own.rdata_data.eq(port.rdata.data),
        ]
        self.ports = {*clocks, ready, *own.flatten(), *([] if model else pads.flatten())}
