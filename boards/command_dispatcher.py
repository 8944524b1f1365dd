"""Carries out requests."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .frame_receiver import STATUS_SHAPE
from .packet_queue import PacketLayout
from .protocol import (
    COUNTER_BYTES,
    ERROR,
    HEADER_BYTES,
    REPLY,
    SETTING_BYTES,
    WANT_SCORES,
    Error,
    Identity,
    Message,
)
from .reply_writer import ReplyLayout
from .result_reporter import TagLayout

_FIELD = 16
#: Bytes of the longest body of a reply, the identity apart.
REPLY_BODY_BYTES = sum(COUNTER_BYTES)


class CommandDispatcher(wiring.Component):
    """Takes one good packet at a time, checks it, and answers it or passes its image on.

    Nothing of an image is passed on before its whole request has been checked, and then all of it
    is: the accelerator never has to wait for the rest of an image.

    Args:
        identity: what is configured.
        steps, delay: shapes of T and t0.
        buffer_bytes: depth of the queue that the packets come from.

    Members:
        packets, bytes: the outputs of a ``PacketQueue``.
        replies: to all requests but those to classify.
        tags: one per image, in order.
        image: bytes of images, as many as the network's input has for each tag.
        image_starts: an image's first byte is offered from the next cycle on.
        steps, delay: T and t0 of the image that is being passed on.
        counters: images, cycles of the last one, busy cycles, all cycles, the first one lowest.
    """

    def __init__(self, identity: Identity, steps: Shape, delay: Shape, buffer_bytes: int):
        self.identity = identity
        super().__init__(
            {
                "packets": In(stream.Signature(PacketLayout(buffer_bytes))),
                "bytes": In(stream.Signature(8)),
                "replies": Out(stream.Signature(ReplyLayout(REPLY_BODY_BYTES))),
                "tags": Out(stream.Signature(TagLayout())),
                "image": Out(stream.Signature(8)),
                "image_starts": Out(1),
                "steps": Out(steps, init=identity.steps),
                "delay": Out(delay, init=identity.delay),
                "counters": In(8 * REPLY_BODY_BYTES),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        packet = self.packets.payload
        left = Signal.like(packet.length)
        kind = Signal(8)
        sequence = Signal(8)
        code = Signal(STATUS_SHAPE)
        asked = Signal(8 * SETTING_BYTES)
        # What is left of a request when its type has been taken.
        expected = Signal.like(packet.length)
        known = Signal()
        taken = Signal()
        m.d.comb += taken.eq(self.bytes.valid & self.bytes.ready)
        with m.If(taken):
            m.d.sync += left.eq(left - 1)
        lengths = {
            Message.IDENTIFY: 0,
            Message.SET: SETTING_BYTES,
            Message.CLASSIFY: 1 + self.identity.image_bytes,
            Message.COUNTERS: 0,
        }
        with m.Switch(kind):
            for message, length in lengths.items():
                with m.Case(message):
                    m.d.comb += [known.eq(1), expected.eq(HEADER_BYTES - 1 + length)]

        with m.FSM(name="dispatcher"):
            with m.State("PACKET"):
                m.d.comb += self.packets.ready.eq(1)
                m.d.sync += [left.eq(packet.length), code.eq(packet.status), sequence.eq(0)]
                with m.If(self.packets.valid):
                    m.next = "TYPE"
                    with m.If(packet.status != 0):
                        m.next = "REPLY"
            with m.State("TYPE"):
                m.d.comb += self.bytes.ready.eq(1)
                m.d.sync += kind.eq(self.bytes.payload)
                with m.If(taken):
                    m.next = "SEQUENCE"
            with m.State("SEQUENCE"):
                m.d.comb += self.bytes.ready.eq(1)
                m.d.sync += sequence.eq(self.bytes.payload)
                with m.If(taken):
                    m.next = "REPLY"
                    with m.If(~known | (left != expected)):
                        m.d.sync += code.eq(Mux(known, Error.LENGTH, Error.UNKNOWN))
                        m.next = "DROP"
                    with m.Elif(kind == Message.CLASSIFY):
                        m.next = "OPTIONS"
                    with m.Elif(kind == Message.SET):
                        m.next = "SETTING"
            with m.State("DROP"):
                m.d.comb += self.bytes.ready.eq(left != 0)
                with m.If(left == 0):
                    m.next = "REPLY"
            with m.State("SETTING"):
                m.d.comb += self.bytes.ready.eq(1)
                with m.If(taken):
                    m.d.sync += asked.eq(Cat(asked[8:], self.bytes.payload))
                    with m.If(left == 1):
                        m.next = "APPLY"
            with m.State("APPLY"):
                with m.If(self._in_range(asked)):
                    m.d.sync += [self.steps.eq(asked[:_FIELD]), self.delay.eq(asked[_FIELD:])]
                with m.Else():
                    m.d.sync += code.eq(Error.RANGE)
                m.next = "REPLY"
            with m.State("OPTIONS"):
                m.d.comb += [
                    self.tags.valid.eq(self.bytes.valid),
                    self.bytes.ready.eq(self.tags.ready),
                    self.image_starts.eq(taken),
                ]
                with m.If(taken):
                    m.next = "IMAGE"
            with m.State("IMAGE"):
                m.d.comb += [
                    self.image.valid.eq(self.bytes.valid),
                    self.bytes.ready.eq(self.image.ready),
                ]
                with m.If(taken & (left == 1)):
                    m.next = "PACKET"
            with m.State("REPLY"):
                m.d.comb += self.replies.valid.eq(1)
                with m.If(self.replies.ready):
                    m.next = "PACKET"
        reply = self.replies.payload
        refused = Signal()
        m.d.comb += [
            self.tags.payload.sequence.eq(sequence),
            self.tags.payload.scores.eq((self.bytes.payload & WANT_SCORES) != 0),
            self.image.payload.eq(self.bytes.payload),
            refused.eq(code != 0),
            reply.kind.eq(Mux(refused, ERROR, kind | REPLY)),
            reply.sequence.eq(sequence),
            reply.identity.eq(~refused & (kind == Message.IDENTIFY)),
        ]
        with m.If(refused):
            m.d.comb += [reply.body.eq(code), reply.length.eq(1)]
        with m.Elif(kind == Message.COUNTERS):
            m.d.comb += [reply.body.eq(self.counters), reply.length.eq(REPLY_BODY_BYTES)]
        with m.Else():
            setting = Cat(_field(self.steps), _field(self.delay))
            m.d.comb += [reply.body.eq(setting), reply.length.eq(SETTING_BYTES)]
        return m

    def _in_range(self, asked: Signal):
        """Whether T and t0, in fields of 16 bits, can be set."""
        steps, delay = asked[:_FIELD], asked[_FIELD:]
        # Compared at the width of T: what is above must be 0.
        width = len(self.steps)
        fits = (steps >> width == 0) & (delay >> width == 0)
        steps, delay = steps[:width], delay[:width]
        delay_fits = delay == 0 if self.identity.radix else delay < steps
        return fits & (steps != 0) & (steps <= self.identity.steps) & delay_fits


def _field(value):
    """``value`` in a field of 16 bits."""
    return Cat(value, Const(0, _FIELD - len(value)))
