"""Check sum of frames, a bit a cycle: a byte takes at least 40 cycles on the line."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

_WIDTH = CRC32_ISO_HDLC.crc_width
#: Its polynomial, least significant bit first.
_POLYNOMIAL = int(f"{CRC32_ISO_HDLC.polynomial:0{_WIDTH}b}"[::-1], 2)
#: The check sum of a message with its own check sum behind it.
RESIDUE = CRC32_ISO_HDLC(data_width=8).residue() ^ CRC32_ISO_HDLC.xor_output


class SerialCrc(wiring.Component):
    """CRC-32 (ISO-HDLC), the lowest bit of a byte first.

    Members:
        start: in; begin anew.
        shift: in; take ``bit``. Where that is not the lowest bit of ``sum``, nothing but a shift
            happens: so the check sum comes out.
        sum: out; the check sum.
    """

    start: Signal
    shift: Signal
    bit: Signal
    sum: Signal

    def __init__(self):
        super().__init__({"start": In(1), "shift": In(1), "bit": In(1), "sum": Out(_WIDTH)})

    def elaborate(self, platform) -> Module:
        m = Module()
        # The usual register complemented: it begins with 0, as all flip-flops do.
        same = self.bit == self.sum[0]
        with m.If(self.start):
            m.d.sync += self.sum.eq(0)
        with m.Elif(self.shift):
            shifted = Cat(self.sum[1:], Const(1, 1))
            m.d.sync += self.sum.eq(shifted ^ Mux(same, Const(_POLYNOMIAL, _WIDTH), 0))
        return m
