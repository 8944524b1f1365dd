"""A serial line, the host link and an engine, as one module with a memory port."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....hw.engine.design import EngineDesign
from ....hw.engine.memory_port import MemoryPort
from ..line.uart_receiver import UartReceiver
from ..line.uart_transmitter import UartTransmitter
from .engine_link import EngineLink


class EngineTop(wiring.Component):
    """UART and ``EngineLink``; what is behind ``memory`` is the board's.

    Args:
        clock: frequency, Hz.
        baud: of the serial line.

    Members:
        rx, tx: the serial line, seen from the device.
        memory: out, memory port.
        busy: out; a program runs.
    """

    rx: Signal
    tx: Signal
    memory: wiring.PureInterface
    busy: Signal

    def __init__(self, design: EngineDesign, *, memory_words: int, clock: int, baud: int):
        self.link = EngineLink(design, memory_words=memory_words, clock=clock)
        self.receiver = UartReceiver(clock, baud)
        self.transmitter = UartTransmitter(clock, baud)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "memory": Out(MemoryPort()),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.receiver = self.receiver
        m.submodules.transmitter = self.transmitter
        m.submodules.link = link = self.link
        wiring.connect(m, self.receiver.bytes, link.received)
        wiring.connect(m, link.transmitted, self.transmitter.bytes)
        wiring.connect(m, link.memory, wiring.flipped(self.memory))
        m.d.comb += [
            self.receiver.line.eq(self.rx),
            self.tx.eq(self.transmitter.line),
            self.busy.eq(link.busy),
        ]
        return m
