"""An engine behind its serial line, for a memory that has a native port of LiteDRAM."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....hw.engine.memory.litedram_port import LiteDramPort, NativePort
from .engine_top import EngineTop


class NativeTop(wiring.Component):
    """``EngineTop``, whose memory port is a native port.

    Args:
        data_bits, address_bits: of the native port.

    Members:
        rx, tx, busy: as of ``EngineTop``.
        native: out, ``NativePort``.
    """

    rx: Signal
    tx: Signal
    busy: Signal
    native: wiring.PureInterface

    def __init__(self, top: EngineTop, *, data_bits: int, address_bits: int):
        self.top = top
        self.port = LiteDramPort(data_bits, address_bits)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "busy": Out(1),
                "native": Out(NativePort(data_bits, address_bits)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.top = top = self.top
        m.submodules.port = port = self.port
        wiring.connect(m, top.memory, port.port)
        wiring.connect(m, port.native, wiring.flipped(self.native))
        m.d.comb += [top.rx.eq(self.rx), self.tx.eq(top.tx), self.busy.eq(top.busy)]
        return m
