"""Replies to frames on the line."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from .byte_select import byte_at
from .protocol import CRC_BYTES, ESCAPE, FLAG, TOGGLE


class ReplyByte(data.StructLayout):
    """A byte of a reply's body, ``last`` with the last one."""

    def __init__(self):
        super().__init__({"data": 8, "last": 1})


class FrameTransmitter(wiring.Component):
    """Adds check sum, stuffing and flags."""

    def __init__(self):
        super().__init__(
            {
                "replies": In(stream.Signature(ReplyByte())),
                "bytes": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        check_byte = Signal(range(CRC_BYTES))
        escaped = Signal()
        plain = Signal(8)
        special = Signal()
        stuffing = Signal()
        # A byte of body or check sum is done with: not where its escape goes first.
        done = Signal()
        m.d.comb += [
            special.eq((plain == FLAG) | (plain == ESCAPE)),
            done.eq(self.bytes.valid & self.bytes.ready & (~special | escaped)),
        ]
        with m.If(stuffing):
            m.d.comb += self.bytes.payload.eq(
                Mux(escaped, plain ^ TOGGLE, Mux(special, ESCAPE, plain))
            )
            with m.If(self.bytes.valid & self.bytes.ready):
                m.d.sync += escaped.eq(special & ~escaped)
        with m.Else():
            m.d.comb += self.bytes.payload.eq(FLAG)

        with m.FSM(name="transmitter"):
            with m.State("OPEN"):
                m.d.comb += [self.bytes.valid.eq(self.replies.valid), crc.start.eq(1)]
                with m.If(self.bytes.valid & self.bytes.ready):
                    m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += [
                    stuffing.eq(1),
                    plain.eq(self.replies.payload.data),
                    self.bytes.valid.eq(self.replies.valid),
                    self.replies.ready.eq(self.bytes.ready & (~special | escaped)),
                    crc.data.eq(plain),
                    crc.valid.eq(done),
                ]
                with m.If(done & self.replies.payload.last):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.comb += [
                    stuffing.eq(1),
                    plain.eq(byte_at(crc.crc, check_byte)),
                    self.bytes.valid.eq(1),
                ]
                with m.If(done):
                    m.d.sync += check_byte.eq(check_byte + 1)
                    with m.If(check_byte == CRC_BYTES - 1):
                        m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.comb += self.bytes.valid.eq(1)
                with m.If(self.bytes.ready):
                    m.next = "OPEN"
        return m
