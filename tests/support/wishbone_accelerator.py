"""An accelerator with its registers, as one component for a bench."""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rheobase.boards.wishbone.wishbone_bridge import WishboneBridge
from rheobase.golden import Network
from rheobase.hw.accelerator.accelerator import Accelerator, result_names
from rheobase.hw.design.folding import Folding

#: Ports of the bus, as the bridge has them.
BUS_IN = ("adr", "dat_w", "sel", "we", "stb", "cyc")
BUS_OUT = ("dat_r", "ack", "err", "interrupt")


class WishboneAccelerator(wiring.Component):
    """Bridge and accelerator; ``clear`` resets the accelerator."""

    def __init__(self, network: Network, folding: Folding, **depths: int):
        self.bridge = WishboneBridge(network, **depths)
        self.network, self.folding = network, folding
        ports = {name: In(getattr(self.bridge, name).shape()) for name in BUS_IN}
        super().__init__(
            ports | {name: Out(getattr(self.bridge, name).shape()) for name in BUS_OUT}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bridge = self.bridge
        accelerator = Accelerator(self.network, self.folding)
        # A reset as the port is: layers have registers that pass it on. Their clocks are derived
        # from it, and so is the bridge's: in a simulator all of them rise at once.
        m.domains.inner = inner = ClockDomain()
        m.domains.bus = bus = ClockDomain()
        m.d.comb += [
            inner.clk.eq(ClockSignal()),
            inner.rst.eq(ResetSignal() | bridge.clear),
            bus.clk.eq(inner.clk),
            bus.rst.eq(ResetSignal()),
        ]
        m.submodules.accelerator = DomainRenamer("inner")(accelerator)
        m.submodules.bridge = DomainRenamer("bus")(bridge)
        m.d.comb += [getattr(bridge, name).eq(getattr(self, name)) for name in BUS_IN]
        m.d.comb += [getattr(self, name).eq(getattr(bridge, name)) for name in BUS_OUT]
        m.d.comb += [accelerator.steps.eq(bridge.steps), accelerator.delay.eq(bridge.delay)]
        wiring.connect(m, bridge.pixels, accelerator.pixels)
        for name in result_names(self.network):
            wiring.connect(m, getattr(accelerator, name), getattr(bridge, name))
        return m
