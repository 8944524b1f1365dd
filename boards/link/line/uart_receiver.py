"""Serial line to bytes."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .bit_timer import BitTimer


class ReceivedByte(data.StructLayout):
    """A byte from the line; ``damaged`` where its stop bit is wrong or one before it was lost."""

    def __init__(self):
        super().__init__({"data": 8, "damaged": 1})


class UartReceiver(wiring.Component):
    """Eight data bits, no parity, one stop bit; each bit is looked at once, in its middle.

    The line does not wait: a byte that is not taken before the next one ends is lost, and the
    next one is then marked as damaged.

    Args:
        clock: frequency of the component, Hz.
        baud: bits per second, at most a quarter of ``clock``.

    Members:
        line: in; the serial input, not synchronised to the clock.
    """

    line: Signal
    bytes: stream.Interface

    def __init__(self, clock: int, baud: int):
        self.timer = BitTimer(clock, baud)
        super().__init__({"line": In(1, init=1), "bytes": Out(stream.Signature(ReceivedByte()))})

    def elaborate(self, platform) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.line, line, init=1)
        m.submodules.timer = timer = self.timer
        shifted = Signal(8)
        bits_left = Signal(range(9))
        lost = Signal()

        with m.If(self.bytes.valid & self.bytes.ready):
            m.d.sync += self.bytes.valid.eq(0)
        with m.FSM(name="receiver"):
            with m.State("IDLE"):
                with m.If(line):
                    m.d.comb += timer.start_half.eq(1)
                with m.Else():
                    m.d.comb += timer.run.eq(1)
                    m.next = "START"
            with m.State("START"):
                m.d.comb += timer.run.eq(1)
                m.d.sync += bits_left.eq(8)
                with m.If(timer.tick):
                    # A spike on the line is no start bit.
                    with m.If(line):
                        m.d.comb += timer.start_half.eq(1)
                        m.next = "IDLE"
                    with m.Else():
                        m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += timer.run.eq(1)
                with m.If(timer.tick):
                    m.d.sync += [shifted.eq(Cat(shifted[1:], line)), bits_left.eq(bits_left - 1)]
                    with m.If(bits_left == 1):
                        m.next = "STOP"
            with m.State("STOP"):
                m.d.comb += [timer.run.eq(1), timer.start_half.eq(timer.tick)]
                with m.If(timer.tick):
                    with m.If(self.bytes.valid & ~self.bytes.ready):
                        m.d.sync += lost.eq(1)
                    with m.Else():
                        m.d.sync += [
                            self.bytes.valid.eq(1),
                            self.bytes.payload.data.eq(shifted),
                            self.bytes.payload.damaged.eq(~line | lost),
                            lost.eq(0),
                        ]
                    with m.If(line):
                        m.next = "IDLE"
                    with m.Else():
                        m.next = "BREAK"
            with m.State("BREAK"):
                m.d.comb += timer.start_half.eq(1)
                with m.If(line):
                    m.next = "IDLE"
        return m
