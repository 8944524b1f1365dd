"""Replies, byte by byte."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Array, Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ...hw.basics.checks import check_range
from ...hw.basics.shapes import index_shape
from ...hw.basics.successor import successor
from ..protocol import (
    ANSWER_BYTES,
    COUNTER_BYTES,
    CYCLES_BYTES,
    ERROR,
    IDENTITY_BYTES,
    REPLY,
    SETTING_BYTES,
    Message,
)
from .cycle_counters import DEPTH, SNAPSHOT, image_cycles
from .frame_receiver import STATUS_SHAPE
from .frame_transmitter import ReplyByte

_END = DEPTH // 2 - 1
assert SNAPSHOT + sum(COUNTER_BYTES) - 1 == _END
#: Cycles that a byte has to come out of a memory.
_PAUSE = 4


class ReplyRequest(data.StructLayout):
    """A reply to a request other than to classify.

    Members:
        message: what is answered.
        sequence: its number.
        code: 0, or why it is refused.
    """

    def __init__(self):
        super().__init__({"message": range(max(Message) + 1), "sequence": 8, "code": STATUS_SHAPE})


class TagLayout(data.StructLayout):
    """What a request to classify says of its reply: its number, and whether scores are wanted."""

    def __init__(self):
        super().__init__({"sequence": 8, "scores": 1})


class ReplyWriter(wiring.Component):
    """Writes the replies to classify and to all else, in turn where both have some.

    What it answers stays at its inputs until the reply's last byte is taken; all that it needs is
    there before it begins. Most bytes come out of the memory of the counters, whose constants end
    with the identity and the room of a setting.

    Args:
        prediction, score: shapes; a score is sent in whole bytes, the lowest first.
        classes: scores of an image.
        images: whose cycles the counters keep, at least 2.
        steps, delay: shapes of T and t0.

    Members:
        commands: in, stream; replies that are asked for.
        tags, answers: in, stream; one each per image, in order.
        settled: in; the cycles of the image that is answered next are there.
        address, stored: where to read in the counters' memory, and the byte there; it may take
            three cycles.
        score_index, score: which score is wanted, and the score, in the cycle after.
        steps, delay: in; T and t0 that are set.
    """

    commands: stream.Interface
    tags: stream.Interface
    answers: stream.Interface
    settled: Signal
    address: Signal
    stored: Signal
    score_index: Signal
    score: Signal
    steps: Signal
    delay: Signal
    replies: stream.Interface

    def __init__(
        self, prediction: Shape, score: Shape, classes: int, images: int, steps: Shape, delay: Shape
    ):
        check_range("ReplyWriter", "classes", classes, 1, 2 ** (8 * ANSWER_BYTES))
        self.class_count = classes
        self.image_count = check_range("ReplyWriter", "images", images, 2, None)
        super().__init__(
            {
                "commands": In(stream.Signature(ReplyRequest())),
                "tags": In(stream.Signature(TagLayout())),
                "answers": In(stream.Signature(prediction)),
                "settled": In(1),
                "address": Out(range(DEPTH)),
                "stored": In(8),
                "score_index": Out(index_shape(classes)),
                "score": In(score),
                "steps": In(steps),
                "delay": In(delay),
                "replies": Out(stream.Signature(ReplyByte())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        reply = self.replies.payload
        score_bytes = ceil_div(len(self.score), 8)
        score = Signal(8 * score_bytes)
        score_byte = Signal(index_shape(score_bytes))
        last_byte = Signal()
        last_score = Signal()
        answer = Signal(8 * ANSWER_BYTES)
        image = Signal(index_shape(self.image_count))
        classified = Signal()
        image_is_next = Signal()
        stored_ends = Signal()
        taken = Signal()
        m.d.comb += [
            answer.eq(self.answers.payload),
            last_byte.eq(score_byte == score_bytes - 1),
            last_score.eq(self.score_index == self.class_count - 1),
            image_is_next.eq(self.tags.valid & self.answers.valid & self.settled),
            stored_ends.eq(
                Mux(
                    classified,
                    self.address[:2] == CYCLES_BYTES - 1,
                    self.address[: _END.bit_length()] == _END,
                )
            ),
            taken.eq(self.replies.valid & self.replies.ready),
        ]
        pause = Signal(range(_PAUSE))
        offers = Signal()
        m.d.comb += self.replies.valid.eq(offers & pause.all())
        with m.If(~pause.all()):
            m.d.sync += pause.eq(successor(pause, _PAUSE))
        with m.If(taken):
            m.d.sync += pause.eq(0)
        with m.If(taken & reply.last):
            m.d.comb += [
                self.commands.ready.eq(~classified),
                self.tags.ready.eq(classified),
                self.answers.ready.eq(classified),
            ]
            with m.If(classified):
                m.d.sync += image.eq(successor(image, self.image_count))

        sent = _Sent(
            score,
            score_byte,
            last_byte,
            last_score,
            answer,
            image,
            classified,
            image_is_next,
            stored_ends,
            taken,
            offers,
            pause,
        )
        with m.FSM(name="writer"):
            self._choose(m, sent)
            self._head(m, sent)
            self._answer(m, sent)
            self._stored(m, sent)
            self._scores(m, sent)
        return m

    def _choose(self, m: Module, sent: _Sent) -> None:
        """An image's reply or another one, in turn where there are both."""
        with m.State("CHOOSE"):
            turn = sent.image_is_next & ~(sent.classified & self.commands.valid)
            m.d.sync += [sent.classified.eq(turn), sent.score_byte.eq(0), self.score_index.eq(0)]
            with m.If(turn | self.commands.valid):
                m.next = "KIND"

    def _head(self, m: Module, sent: _Sent) -> None:
        """Kind and number of the reply; of one that refuses, why."""
        command, tag = self.commands.payload, self.tags.payload
        reply = self.replies.payload
        refused = command.code != 0
        with m.State("KIND"):
            m.d.comb += sent.offers.eq(1)
            with m.If(sent.classified):
                m.d.comb += reply.data.eq(REPLY | Message.CLASSIFY)
                m.d.sync += self.address.eq(_image_address(sent.image))
            with m.Else():
                m.d.comb += reply.data.eq(Mux(refused, ERROR, command.message | REPLY))
                m.d.sync += self.address.eq(_stored_address(command.message))
            with m.If(sent.taken):
                m.next = "SEQUENCE"
        with m.State("SEQUENCE"):
            m.d.comb += [
                sent.offers.eq(1),
                reply.data.eq(Mux(sent.classified, tag.sequence, command.sequence)),
            ]
            with m.If(sent.taken):
                m.next = "STORED"
                with m.If(sent.classified):
                    m.next = "ANSWER0"
                with m.Elif(refused):
                    m.next = "CODE"
        with m.State("CODE"):
            m.d.comb += [sent.offers.eq(1), reply.data.eq(command.code), reply.last.eq(1)]
            with m.If(sent.taken):
                m.next = "CHOOSE"

    def _answer(self, m: Module, sent: _Sent) -> None:
        """An image's answer."""
        reply = self.replies.payload
        for index in range(ANSWER_BYTES):
            with m.State(f"ANSWER{index}"):
                m.d.comb += [sent.offers.eq(1), reply.data.eq(sent.answer.word_select(index, 8))]
                with m.If(sent.taken):
                    m.next = "STORED" if index == ANSWER_BYTES - 1 else f"ANSWER{index + 1}"

    def _stored(self, m: Module, sent: _Sent) -> None:
        """Bytes of the counters' memory, and T and t0 behind them."""
        reply, tag = self.replies.payload, self.tags.payload
        with m.State("STORED"):
            m.d.comb += [sent.offers.eq(1), reply.data.eq(self.stored)]
            with m.If(self.address >= DEPTH - SETTING_BYTES):
                setting = Cat(_field(self.steps), _field(self.delay))
                m.d.comb += reply.data.eq(_byte_at(setting, self.address[:2]))
            m.d.comb += reply.last.eq(sent.stored_ends & ~(sent.classified & tag.scores))
            with m.If(sent.taken):
                m.d.sync += self.address.eq(self.address + 1)
                with m.If(sent.stored_ends):
                    m.next = "CHOOSE"
                    with m.If(sent.classified & tag.scores):
                        m.next = "SCORES"

    def _scores(self, m: Module, sent: _Sent) -> None:
        """An image's scores, where they are wanted."""
        reply = self.replies.payload
        with m.State("SCORES"):
            m.d.comb += [
                sent.offers.eq(1),
                reply.data.eq(sent.score[:8]),
                reply.last.eq(sent.last_byte & sent.last_score),
            ]
            with m.If(sent.taken):
                m.d.sync += [
                    sent.score.eq(sent.score >> 8),
                    sent.score_byte.eq(sent.score_byte + 1),
                ]
                with m.If(sent.last_byte):
                    m.d.sync += [
                        sent.score_byte.eq(0),
                        self.score_index.eq(self.score_index + 1),
                    ]
                with m.If(reply.last):
                    m.next = "CHOOSE"
            with m.Elif(~sent.pause.all() & (sent.score_byte == 0)):
                # The last time is the right one.
                m.d.sync += sent.score.eq(self.score)


def _image_address(image: Signal):
    return Cat(Const(0, image_cycles(1).bit_length() - 1), image)


def _stored_address(message: Signal):
    """Where the bytes of the reply begin; they end at the end of one half of the memory."""
    setting, identity = DEPTH - SETTING_BYTES, DEPTH - IDENTITY_BYTES
    return Mux(
        message == Message.COUNTERS, SNAPSHOT, Mux(message == Message.SET, setting, identity)
    )


def _field(value: Signal):
    """``value`` in a field of 16 bits."""
    return Cat(value, Const(0, 4 * SETTING_BYTES - len(value)))


class _Sent(NamedTuple):
    """What is known of the reply that is sent.

    Attributes:
        score, score_byte, last_byte, last_score: what is left of a score, which byte of it goes
            next, whether that is its last, and whether it is the last score.
        answer, image: of the image that is answered: its answer, and whose counter is its own.
        classified: the reply is an image's.
        image_is_next: all that an image's reply needs is there.
        stored_ends: the byte of the counters' memory is the reply's last.
        taken: a byte moves in this cycle.
        offers, pause: a byte is there, and how long it has been asked for.
    """

    score: Signal
    score_byte: Signal
    last_byte: Signal
    last_score: Signal
    answer: Signal
    image: Signal
    classified: Signal
    image_is_next: Signal
    stored_ends: Signal
    taken: Signal
    offers: Signal
    pause: Signal


def _byte_at(value: Value, index: Value) -> Value:
    """Byte ``index`` of ``value``, the lowest byte first; the last one past the end.

    There is no product in the address, as the library's ``word_select`` has.
    """
    value = Value.cast(value)
    return Array(value[low : low + 8] for low in range(0, len(value), 8))[index]
