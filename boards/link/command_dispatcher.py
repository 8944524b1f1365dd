"""Carries out requests."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..protocol import SETTING_BYTES, WANT_SCORES, Error, Identity, Message
from .frame_receiver import PacketHeader
from .packet_queue import PacketWord
from .reply_writer import ReplyRequest, TagLayout

_FIELD = 16


class CommandDispatcher(wiring.Component):
    """Takes one good packet at a time, checks it, and answers it or passes its image on.

    Nothing of an image is passed on before its whole request has been checked, and then all of it
    is: the accelerator never has to wait for the rest of an image.

    Args:
        identity: what is configured.
        steps, delay: shapes of T and t0.

    Members:
        words: in, stream; the output of a ``PacketQueue``.
        replies: out, stream; to all requests but those to classify; each one stays until it has
            been sent.
        tags: out, stream; one per image, in order.
        image: out, stream; bytes of images, as many as the network's input has for each tag.
        may_start: in; an image may begin.
        image_starts: out; an image's first byte is offered from the next cycle on.
        steps, delay: out; T and t0 of the image that is being passed on.
        snapshot: out; the counters are asked for, until ``snapped``.
    """

    words: stream.Interface
    replies: stream.Interface
    tags: stream.Interface
    image: stream.Interface
    may_start: Signal
    image_starts: Signal
    steps: Signal
    delay: Signal
    snapshot: Signal
    snapped: Signal

    def __init__(self, identity: Identity, steps: Shape, delay: Shape):
        self.identity = identity
        super().__init__(
            {
                "words": In(stream.Signature(PacketWord())),
                "replies": Out(stream.Signature(ReplyRequest())),
                "tags": Out(stream.Signature(TagLayout())),
                "image": Out(stream.Signature(8)),
                "may_start": In(1),
                "image_starts": Out(1),
                "steps": Out(steps, init=identity.steps),
                "delay": Out(delay, init=identity.delay),
                "snapshot": Out(1),
                "snapped": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        byte = self.words.payload.data
        reply = self.replies.payload
        message, sequence, code = (
            Signal.like(field) for field in (reply.message, reply.sequence, reply.code)
        )
        bare, for_setting, for_image = Signal(), Signal(), Signal()
        known, fits = Signal(), Signal()
        steps, delay = Signal(_FIELD), Signal(_FIELD)
        # A bit of T or t0 above all that can be set.
        beyond = Signal()
        taken = Signal()
        m.d.comb += [
            taken.eq(self.words.valid & self.words.ready),
            reply.message.eq(message),
            reply.sequence.eq(sequence),
            reply.code.eq(code),
            self.tags.payload.sequence.eq(sequence),
            self.tags.payload.scores.eq((byte & WANT_SCORES) != 0),
            self.image.payload.eq(byte),
        ]
        lengths = {
            Message.IDENTIFY: bare,
            Message.SET: for_setting,
            Message.CLASSIFY: for_image,
            Message.COUNTERS: bare,
        }
        with m.Switch(message):
            for name, length in lengths.items():
                with m.Case(name):
                    m.d.comb += fits.eq(length)

        request = _Request(
            message,
            sequence,
            code,
            bare,
            for_setting,
            for_image,
            known,
            fits,
            steps,
            delay,
            beyond,
            taken,
        )
        with m.FSM(name="dispatcher"):
            self._packet(m, request)
            self._header(m, request)
            self._setting(m, request)
            self._image(m, request)
            self._answer(m)
        return m

    def _packet(self, m: Module, request: _Request) -> None:
        """A packet begins, and says how long it is."""
        byte, mark = self.words.payload.data, self.words.payload.mark
        header = PacketHeader()(byte)
        with m.State("PACKET"):
            # What is left of the packet before, its check sum at the least, goes.
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += [
                request.bare.eq(header.bare),
                request.for_setting.eq(header.setting),
                request.for_image.eq(header.image),
                request.code.eq(header.status),
                request.sequence.eq(0),
                request.beyond.eq(0),
            ]
            with m.If(request.taken & mark & header.begins):
                m.next = "TYPE"
                with m.If(header.status != 0):
                    m.next = "REPLY"

    def _header(self, m: Module, request: _Request) -> None:
        """What is asked for, and whether that is known and as long as it has to be."""
        byte = self.words.payload.data
        with m.State("TYPE"):
            m.d.comb += self.words.ready.eq(1)
            known = (byte != 0) & (byte <= max(Message))
            m.d.sync += [request.message.eq(byte), request.known.eq(known)]
            with m.If(request.taken):
                m.next = "SEQUENCE"
        with m.State("SEQUENCE"):
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += request.sequence.eq(byte)
            with m.If(request.taken):
                m.next = "REPLY"
                with m.If(~request.known | ~request.fits):
                    m.d.sync += request.code.eq(Mux(request.known, Error.LENGTH, Error.UNKNOWN))
                with m.Else(), m.Switch(request.message):
                    with m.Case(Message.CLASSIFY):
                        m.next = "OPTIONS"
                    with m.Case(Message.SET):
                        m.next = "SETTING0"
                    with m.Case(Message.COUNTERS):
                        m.next = "SNAPSHOT"

    def _setting(self, m: Module, request: _Request) -> None:
        """T and t0, which are set if they can be."""
        byte = self.words.payload.data
        for index in range(SETTING_BYTES):
            with m.State(f"SETTING{index}"):
                m.d.comb += self.words.ready.eq(1)
                asked, low = (request.steps, request.delay)[index // 2], index % 2 * 8
                m.d.sync += asked[low : low + 8].eq(byte)
                with m.If(request.taken):
                    # Compared at the width of T: what is above must be 0.
                    with m.If(byte >> max(0, len(self.steps) - low) != 0):
                        m.d.sync += request.beyond.eq(1)
                    m.next = "APPLY" if index == SETTING_BYTES - 1 else f"SETTING{index + 1}"
        with m.State("APPLY"):
            with m.If(~request.beyond & self._in_range(request.steps, request.delay)):
                m.d.sync += [self.steps.eq(request.steps), self.delay.eq(request.delay)]
            with m.Else():
                m.d.sync += request.code.eq(Error.RANGE)
            m.next = "REPLY"

    def _image(self, m: Module, request: _Request) -> None:
        """An image, passed on byte by byte."""
        mark = self.words.payload.mark
        with m.State("OPTIONS"):
            m.d.comb += [
                self.tags.valid.eq(self.words.valid & self.may_start),
                self.words.ready.eq(self.tags.ready & self.may_start),
                self.image_starts.eq(request.taken),
            ]
            with m.If(request.taken):
                m.next = "IMAGE"
        with m.State("IMAGE"):
            # The mark is behind the image.
            m.d.comb += [
                self.image.valid.eq(self.words.valid & ~mark),
                self.words.ready.eq(self.image.ready | mark),
            ]
            with m.If(request.taken & mark):
                m.next = "PACKET"

    def _answer(self, m: Module) -> None:
        """A reply, which the counters come before where they are asked for."""
        with m.State("SNAPSHOT"):
            m.d.comb += self.snapshot.eq(1)
            with m.If(self.snapped):
                m.next = "REPLY"
        with m.State("REPLY"):
            m.d.comb += self.replies.valid.eq(1)
            with m.If(self.replies.ready):
                m.next = "PACKET"

    def _in_range(self, steps: Signal, delay: Signal):
        """Whether T and t0, which have no bit above the width of T, can be set."""
        width = len(self.steps)
        steps, delay = steps[:width], delay[:width]
        delay_fits = delay == 0 if self.identity.radix else delay < steps
        return (steps != 0) & (steps <= self.identity.steps) & delay_fits


class _Request(NamedTuple):
    """Registers of the request that is carried out, and what they say.

    Attributes:
        message, sequence, code: what is asked for, its number, and why it is refused (0 where it is
            not).
        bare, for_setting, for_image: which lengths the packet has.
        known, fits: there is such a request, and it has that length.
        steps, delay, beyond: T and t0 that are asked for, and whether they have bits too many.
        taken: a byte moves in this cycle.
    """

    message: Signal
    sequence: Signal
    code: Signal
    bare: Signal
    for_setting: Signal
    for_image: Signal
    known: Signal
    fits: Signal
    steps: Signal
    delay: Signal
    beyond: Signal
    taken: Signal
