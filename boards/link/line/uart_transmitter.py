"""Bytes to a serial line."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .bit_timer import BitTimer

#: Start bit, eight data bits, stop bit.
_FRAME_BITS = 10


class UartTransmitter(wiring.Component):
    """Eight data bits, no parity, one stop bit.

    Args:
        clock: frequency of the component, Hz.
        baud: bits per second, at most a quarter of ``clock``.

    Members:
        line: out; the serial output.
    """

    bytes: stream.Interface
    line: Signal

    def __init__(self, clock: int, baud: int):
        self.timer = BitTimer(clock, baud)
        super().__init__({"bytes": In(stream.Signature(8)), "line": Out(1, init=1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.timer = timer = self.timer
        # The line is the lowest bit, so that it comes straight from a register.
        shifted = Signal(_FRAME_BITS, init=(1 << _FRAME_BITS) - 1)
        bits_left = Signal(range(_FRAME_BITS + 1))
        m.d.comb += [
            self.line.eq(shifted[0]),
            self.bytes.ready.eq(bits_left == 0),
            timer.run.eq(bits_left != 0),
        ]
        with m.If(self.bytes.valid & self.bytes.ready):
            m.d.sync += [
                shifted.eq(Cat(Const(0, 1), self.bytes.payload, Const(1, 1))),
                bits_left.eq(_FRAME_BITS),
            ]
        with m.Elif(timer.tick):
            m.d.sync += [shifted.eq(Cat(shifted[1:], Const(1, 1))), bits_left.eq(bits_left - 1)]
        return m
