"""Replies to frames on the line."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..protocol import CRC_BYTES, ESCAPE, FLAG, TOGGLE
from .serial_crc import SerialCrc


class ReplyByte(data.StructLayout):
    """A byte of a reply's body, ``last`` with the last one."""

    def __init__(self):
        super().__init__({"data": 8, "last": 1})


class FrameTransmitter(wiring.Component):
    """Adds check sum, stuffing and flags.

    A byte is taken into a register, which turns round once while its bits go to the check sum;
    so the bits of the check sum come into it at the end.

    Members:
        replies: in, stream; bytes of replies.
        bytes: out, stream; what the line takes.
    """

    replies: stream.Interface
    bytes: stream.Interface

    def __init__(self):
        super().__init__(
            {
                "replies": In(stream.Signature(ReplyByte())),
                "bytes": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc()
        held = Signal(8)
        last = Signal()
        bit = Signal(3)
        # 0 for a byte of the body, n for the n-th one of the check sum.
        check_byte = Signal(range(CRC_BYTES + 1))
        in_body = Signal()
        escaped = Signal()
        special = Signal()
        m.d.comb += [
            in_body.eq(check_byte == 0),
            special.eq((held == FLAG) | (held == ESCAPE)),
            crc.bit.eq(Mux(in_body, held[0], ~crc.sum[0])),
        ]
        with m.FSM(name="transmitter"):
            with m.State("OPEN"):
                m.d.comb += [
                    self.bytes.payload.eq(FLAG),
                    self.bytes.valid.eq(self.replies.valid),
                    crc.start.eq(1),
                ]
                m.d.sync += check_byte.eq(0)
                with m.If(self.bytes.valid & self.bytes.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += self.replies.ready.eq(1)
                m.d.sync += [held.eq(self.replies.payload.data), last.eq(self.replies.payload.last)]
                with m.If(self.replies.valid):
                    m.next = "TURN"
            with m.State("TURN"):
                m.d.comb += crc.shift.eq(1)
                m.d.sync += [
                    held.eq(Cat(held[1:], Mux(in_body, held[0], crc.sum[0]))),
                    bit.eq(bit + 1),
                ]
                with m.If(bit == 7):
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += [
                    self.bytes.payload.eq(Mux(escaped, held ^ TOGGLE, Mux(special, ESCAPE, held))),
                    self.bytes.valid.eq(1),
                ]
                with m.If(self.bytes.ready):
                    m.d.sync += escaped.eq(special & ~escaped)
                    with m.If(~special | escaped):
                        m.next = "TURN"
                        with m.If(in_body & ~last):
                            m.next = "TAKE"
                        with m.Elif(check_byte == CRC_BYTES):
                            m.next = "CLOSE"
                        with m.Else():
                            m.d.sync += check_byte.eq(check_byte + 1)
            with m.State("CLOSE"):
                m.d.comb += [self.bytes.payload.eq(FLAG), self.bytes.valid.eq(1)]
                with m.If(self.bytes.ready):
                    m.next = "OPEN"
        return m
