"""The core in Migen: what LiteDRAM's own generator makes, without a processor's bus."""

from __future__ import annotations

from typing import Any

from litedram.common import LiteDRAMNativePort
from litedram.core.controller import ControllerSettings, LiteDRAMController
from litedram.core.crossbar import LiteDRAMCrossbar
from litedram.modules import SDRAMModule
from litedram.phy.ecp5ddrphy import ECP5DDRPHY
from litedram.phy.gensdrphy import GENSDRPHY, HalfRateGENSDRPHY
from litedram.phy.model import SDRAMPHYModel
from migen import ClockDomain, If, Module, Record, Signal

from ...hw.engine.design import WORD_BITS
from .chips import SdramChip
from .ddr_clocks import DdrClocks
from .narrow_port import NarrowPort
from .read_leveling import ReadLeveling
from .start_up import StartUp

_PADS = (("ras_n", 1), ("cas_n", 1), ("we_n", 1), ("cke", 1), ("cs_n", 1))
#: Pins of a DDR3 memory beside those; of a pair the core drives one, the pad the other.
_DDR_PADS = (("reset_n", 1), ("odt", 1), ("clk_p", 1))
#: Of the loop, in the ports of a core with a DDR3 memory.
_DDR_CLOCKS = {"loop": "clk2x", "locked": "locked", "power": "clk_power"}


class CoreModule(Module):
    """See ``core.SdramCore``.

    Attributes:
        ports: of the Verilog module.
        data_bits, address_bits: of the native port.
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
        pads = _pads(module, chip)
        phy = _phy(chip, pads, clock, latency)
        ends = self._clocks(chip, phy, model=model)
        at_pins = phy
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
            phy.settings, module.timing_settings, controller.dfi, clock
        )
        done = start.done
        if chip.double:
            self.submodules.leveling = leveling = ReadLeveling(crossbar.get_port(), chip.data_bits)
            self.comb += leveling.start.eq(start.done)
            done = leveling.done
            if not model:
                self.comb += _levels(leveling, at_pins)
        port = crossbar.get_port()
        ready = Signal(name_override="ready")
        self.comb += [
            ready.eq(done),
            If(start.done, controller.dfi.connect(phy.dfi)).Else(start.dfi.connect(phy.dfi)),
        ]
        own = self._narrow(port, done) if chip.double else self._native(port, done)
        self.data_bits, self.address_bits = len(own.rdata_data), len(own.cmd_addr)
        self.ports = {*ends, ready, *own.flatten(), *([] if model else pads.flatten())}

    def _clocks(self, chip: SdramChip, phy: Any, *, model: bool) -> list[Signal]:
        """The domains, and the ports that they come from."""
        if chip.double and not model:
            self.submodules.clocks = clocks = DdrClocks(phy.init)
            sys, ends = clocks.cd_sys, []
            for ours, name in _DDR_CLOCKS.items():
                getattr(clocks, ours).name_override = name
                ends.append(getattr(clocks, ours))
        else:
            self.clock_domains.cd_sys = sys = ClockDomain("sys")
            ends = []
        sys.clk.name_override, sys.rst.name_override = "clk", "rst"
        ends += [sys.clk, sys.rst]
        if not model and not chip.double and chip.rate > 1:
            self.clock_domains.cd_sys2x = ClockDomain("sys2x")
            self.cd_sys2x.clk.name_override, self.cd_sys2x.rst.name_override = "clk2x", "rst2x"
            ends += [self.cd_sys2x.clk, self.cd_sys2x.rst]
        return ends

    def _narrow(self, port: LiteDRAMNativePort, done: Signal) -> Record:
        """Signals of a native port of single words, by their names."""
        self.submodules.narrow = narrow = NarrowPort(port, WORD_BITS)
        own = _signals(len(narrow.cmd_addr), WORD_BITS)
        given = ("cmd_we", "cmd_addr", "wdata_valid", "wdata_we", "wdata_data")
        taken = ("wdata_ready", "rdata_valid", "rdata_data")
        self.comb += [
            narrow.cmd_valid.eq(own.cmd_valid & done),
            own.cmd_ready.eq(narrow.cmd_ready & done),
            *(getattr(narrow, name).eq(getattr(own, name)) for name in given),
            *(getattr(own, name).eq(getattr(narrow, name)) for name in taken),
        ]
        return own

    def _native(self, port: LiteDRAMNativePort, done: Signal) -> Record:
        """The native port's signals, by their names."""
        own = _signals(len(port.cmd.addr), len(port.wdata.data))
        self.comb += [
            port.cmd.valid.eq(own.cmd_valid & done),
            own.cmd_ready.eq(port.cmd.ready & done),
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
        return own


def _signals(address_bits: int, data_bits: int) -> Record:
    """Signals of a native port, by their names in the Verilog."""
    own = Record(
        [("cmd_valid", 1), ("cmd_ready", 1), ("cmd_we", 1), ("cmd_addr", address_bits),
         ("wdata_valid", 1), ("wdata_ready", 1), ("wdata_we", data_bits // 8),
         ("wdata_data", data_bits),
         ("rdata_valid", 1), ("rdata_ready", 1), ("rdata_data", data_bits)]
    )  # fmt: skip
    for name, *_ in own.layout:
        getattr(own, name).name_override = name
    return own


def _pads(module: SDRAMModule, chip: SdramChip) -> Record:
    """The memory's pins."""
    bytes_ = chip.data_bits // 8
    pads = Record(
        [("a", module.geom_settings.addressbits), ("ba", chip.bank_bits), ("dq", chip.data_bits),
         ("dm", bytes_), *_PADS, *((*_DDR_PADS, ("dqs_p", bytes_)) if chip.double else ())]
    )  # fmt: skip
    for name, *_ in pads.layout:
        getattr(pads, name).name_override = name
    return pads


def _phy(chip: SdramChip, pads: Record, clock: int, latency: int) -> Any:
    """LiteDRAM's for ``chip``."""
    if chip.double:
        return ECP5DDRPHY(pads, sys_clk_freq=clock)
    phy = (GENSDRPHY if chip.rate == 1 else HalfRateGENSDRPHY)(pads, clock, cl=latency)
    if chip.rate > 1 and latency % 2:
        # Both words of a read must come in one cycle of the native port.
        phy.settings.rdphase = 1
    return phy


def _levels(leveling: ReadLeveling, phy: ECP5DDRPHY) -> list[Any]:
    """The registers by which software would set when data are taken."""
    return [
        phy._dly_sel.storage.eq(leveling.select),
        phy._rdly_dq_rst.re.eq(leveling.delay_reset),
        phy._rdly_dq_inc.re.eq(leveling.delay_next),
        phy._rdly_dq_bitslip_rst.re.eq(leveling.slip_reset),
        phy._rdly_dq_bitslip.re.eq(leveling.slip_next),
    ]
