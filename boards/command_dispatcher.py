"""Carries out requests."""

from __future__ import annotations

from amaranth import Array, Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .frame_receiver import STATUS_SHAPE
from .frame_transmitter import ReplyByte
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
from .result_reporter import TagLayout

_FIELD = 16


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
        replies: of all requests but those to classify.
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
                "replies": Out(stream.Signature(ReplyByte())),
                "tags": Out(stream.Signature(TagLayout())),
                "image": Out(stream.Signature(8)),
                "image_starts": Out(1),
                "steps": Out(steps, init=identity.steps),
                "delay": Out(delay, init=identity.delay),
                "counters": In(8 * sum(COUNTER_BYTES)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        packet = self.packets.payload
        left = Signal.like(packet.length)
        kind = Signal(8)
        sequence = Signal(8)
        code = Signal(STATUS_SHAPE)
        setting = Signal(8 * SETTING_BYTES)
        asked_steps, asked_delay = setting[:_FIELD], setting[_FIELD:]
        body_bytes = Signal.like(packet.length)
        known = Signal()
        taken = Signal()
        m.d.comb += taken.eq(self.bytes.valid & self.bytes.ready)
        lengths = {
            Message.IDENTIFY: 0,
            Message.SET: SETTING_BYTES,
            Message.CLASSIFY: 1 + self.identity.image_bytes,
            Message.COUNTERS: 0,
        }
        with m.Switch(kind):
            for message, length in lengths.items():
                with m.Case(message):
                    m.d.comb += [known.eq(1), body_bytes.eq(length)]
        in_range = Signal()
        m.d.comb += in_range.eq(
            (asked_steps != 0) & (asked_steps <= self.identity.steps)
            & ((asked_delay == 0) if self.identity.radix else (asked_delay < asked_steps))
        )  # fmt: skip

        with m.FSM(name="dispatcher"):
            with m.State("PACKET"):
                m.d.comb += self.packets.ready.eq(1)
                with m.If(self.packets.valid):
                    m.d.sync += [left.eq(packet.length), code.eq(packet.status), sequence.eq(0)]
                    m.next = "TYPE"
                    with m.If(packet.status != 0):
                        m.next = "REPLY"
            with m.State("TYPE"):
                m.d.comb += self.bytes.ready.eq(1)
                with m.If(taken):
                    m.d.sync += kind.eq(self.bytes.payload)
                    m.next = "SEQUENCE"
            with m.State("SEQUENCE"):
                m.d.comb += self.bytes.ready.eq(1)
                with m.If(taken):
                    m.d.sync += [sequence.eq(self.bytes.payload), left.eq(left - HEADER_BYTES)]
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += setting.eq(Cat(self._field(self.steps), self._field(self.delay)))
                m.next = "REPLY"
                with m.If(~known | (left != body_bytes)):
                    m.d.sync += code.eq(Mux(known, Error.LENGTH, Error.UNKNOWN))
                    m.next = "DROP"
                with m.Elif(kind == Message.CLASSIFY):
                    m.next = "FLAGS"
                with m.Elif(kind == Message.SET):
                    m.next = "SETTING"
            with m.State("DROP"):
                m.d.comb += self.bytes.ready.eq(left != 0)
                with m.If(left == 0):
                    m.next = "REPLY"
                with m.Elif(taken):
                    m.d.sync += left.eq(left - 1)
            with m.State("SETTING"):
                m.d.comb += self.bytes.ready.eq(1)
                with m.If(taken):
                    m.d.sync += [
                        setting.eq(Cat(setting[8:], self.bytes.payload)),
                        left.eq(left - 1),
                    ]
                    with m.If(left == 1):
                        m.next = "APPLY"
            with m.State("APPLY"):
                with m.If(in_range):
                    m.d.sync += [self.steps.eq(asked_steps), self.delay.eq(asked_delay)]
                with m.Else():
                    m.d.sync += code.eq(Error.RANGE)
                m.next = "REPLY"
            with m.State("FLAGS"):
                m.d.comb += [
                    self.tags.valid.eq(self.bytes.valid),
                    self.tags.payload.sequence.eq(sequence),
                    self.tags.payload.scores.eq((self.bytes.payload & WANT_SCORES) != 0),
                    self.bytes.ready.eq(self.tags.ready),
                    self.image_starts.eq(taken),
                ]
                with m.If(taken):
                    m.d.sync += left.eq(left - 1)
                    m.next = "IMAGE"
            with m.State("IMAGE"):
                m.d.comb += [
                    self.image.payload.eq(self.bytes.payload),
                    self.image.valid.eq(self.bytes.valid),
                    self.bytes.ready.eq(self.image.ready),
                ]
                with m.If(taken):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "PACKET"
            with m.State("REPLY"), m.If(self._send(m, kind, sequence, code, setting)):
                m.next = "PACKET"
        return m

    def _send(self, m: Module, kind: Signal, sequence: Signal, code: Signal, setting: Signal):
        """Send the reply byte by byte; gives a signal that is set with the last one taken."""
        set_bytes = [setting.word_select(index, 8) for index in range(SETTING_BYTES)]
        counted = Signal.like(self.counters)
        counter_bytes = [counted.word_select(index, 8) for index in range(sum(COUNTER_BYTES))]
        identity_bytes = [Const(byte, 8) for byte in self.identity.encode()]
        bodies = {
            Message.IDENTIFY: identity_bytes + set_bytes,
            Message.SET: set_bytes,
            Message.COUNTERS: counter_bytes,
        }
        longest = HEADER_BYTES + max(map(len, bodies.values()))
        position = Signal(range(longest))
        length = Signal(range(longest + 1))
        reply = self.replies.payload
        done = Signal(name="reply_done")

        def offer(reply_kind, body) -> None:
            listed = [reply_kind, sequence, *body]
            m.d.comb += [reply.data.eq(Array(listed)[position]), length.eq(len(listed))]

        with m.If(code != 0):
            offer(Const(ERROR, 8), [code])
        with m.Else(), m.Switch(kind):
            for message, body in bodies.items():
                with m.Case(message):
                    offer(Const(message | REPLY, 8), body)
        m.d.comb += [
            self.replies.valid.eq(1),
            reply.last.eq(position == length - 1),
            done.eq(self.replies.ready & reply.last),
        ]
        # A reply's bytes belong to one moment: that of its first byte.
        with m.If(position == 0):
            m.d.sync += counted.eq(self.counters)
        with m.If(self.replies.ready):
            m.d.sync += position.eq(Mux(reply.last, 0, position + 1))
        return done

    def _field(self, value):
        """``value`` in a field of 16 bits."""
        return Cat(value, Const(0, _FIELD - len(value)))
