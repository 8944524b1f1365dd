"""Replies of the command dispatcher, byte by byte."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..hw.checks import check_range
from ..hw.shapes import count_shape
from .frame_transmitter import ReplyByte


class ReplyLayout(data.StructLayout):
    """One reply.

    Members:
        kind, sequence: its header.
        identity: the identity comes first.
        length: bytes of ``body`` that follow, at least one, the lowest first.
        body: those bytes.
    """

    def __init__(self, body_bytes: int):
        super().__init__(
            {
                "kind": 8,
                "sequence": 8,
                "identity": 1,
                "length": count_shape(body_bytes),
                "body": 8 * body_bytes,
            }
        )


class ReplyWriter(wiring.Component):
    """Takes a reply whole, so that all of it belongs to one moment, and shifts it out.

    A byte takes two cycles where it is read from the memory of the identity, which is nothing
    beside the time that it takes on the line.

    Args:
        identity: constant bytes of an identify reply.
        body_bytes: most bytes of a body.
    """

    def __init__(self, identity: bytes, body_bytes: int):
        check_range("ReplyWriter", "body_bytes", body_bytes, 1, None)
        self.identity = identity
        self.reply_layout = ReplyLayout(body_bytes)
        super().__init__(
            {
                "requests": In(stream.Signature(self.reply_layout)),
                "replies": Out(stream.Signature(ReplyByte())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.identity = memory = Memory(
            shape=8, depth=len(self.identity), init=self.identity
        )
        read = memory.read_port()
        waiting = Signal(self.reply_layout)
        position = Signal(range(len(self.identity)))
        reply = self.replies.payload
        taken = Signal()
        m.d.comb += [read.addr.eq(position), taken.eq(self.replies.valid & self.replies.ready)]
        with m.FSM(name="writer"):
            with m.State("TAKE"):
                m.d.comb += self.requests.ready.eq(1)
                m.d.sync += waiting.eq(self.requests.payload)
                with m.If(self.requests.valid):
                    m.next = "KIND"
            with m.State("KIND"):
                m.d.comb += [self.replies.valid.eq(1), reply.data.eq(waiting.kind)]
                with m.If(taken):
                    m.next = "SEQUENCE"
            with m.State("SEQUENCE"):
                m.d.comb += [self.replies.valid.eq(1), reply.data.eq(waiting.sequence)]
                m.d.sync += position.eq(0)
                with m.If(taken):
                    m.next = "BODY"
                    with m.If(waiting.identity):
                        m.next = "READ"
            with m.State("READ"):
                m.next = "IDENTITY"
            with m.State("IDENTITY"):
                m.d.comb += [self.replies.valid.eq(1), reply.data.eq(read.data)]
                with m.If(taken):
                    m.d.sync += position.eq(position + 1)
                    m.next = "READ"
                    with m.If(position == len(self.identity) - 1):
                        m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += [
                    self.replies.valid.eq(1),
                    reply.data.eq(waiting.body[:8]),
                    reply.last.eq(waiting.length == 1),
                ]
                with m.If(taken):
                    m.d.sync += [
                        waiting.body.eq(waiting.body[8:]),
                        waiting.length.eq(waiting.length - 1),
                    ]
                    with m.If(reply.last):
                        m.next = "TAKE"
        return m
