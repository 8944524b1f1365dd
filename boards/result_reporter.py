"""Results to classify replies."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..hw.checks import check_range
from ..hw.shapes import index_shape
from .byte_select import byte_at
from .frame_transmitter import ReplyByte
from .protocol import ANSWER_BYTES, CYCLES_BYTES, HEADER_BYTES, REPLY, Message
from .result_collector import AnswerLayout


class TagLayout(data.StructLayout):
    """What a request says of its reply: sequence number, and whether scores are wanted."""

    def __init__(self):
        super().__init__({"sequence": 8, "scores": 1})


class ResultReporter(wiring.Component):
    """Sends type, sequence number, answer, cycles, and the scores where they are wanted.

    Args:
        prediction: shape of an answer.
        score: shape of a score; it is sent in whole bytes, the lowest first.
        classes: scores of an image.
    """

    def __init__(self, prediction: Shape, score: Shape, classes: int):
        check_range("ResultReporter", "classes", classes, 1, 2 ** (8 * ANSWER_BYTES))
        self.class_count = classes
        self.score_shape = Shape.cast(score)
        super().__init__(
            {
                "tags": In(stream.Signature(TagLayout())),
                "answers": In(stream.Signature(AnswerLayout(prediction))),
                "scores": In(stream.Signature(score)),
                "replies": Out(stream.Signature(ReplyByte())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        score_bytes = -(-self.score_shape.width // 8)
        answer = Signal(8 * ANSWER_BYTES)
        header = Cat(
            Const(Message.CLASSIFY | REPLY, 8),
            self.tags.payload.sequence,
            answer,
            self.answers.payload.cycles,
        )
        header_bytes = HEADER_BYTES + ANSWER_BYTES + CYCLES_BYTES
        byte = Signal(index_shape(max(header_bytes, score_bytes)))
        current_class = Signal(index_shape(self.class_count))
        score = Signal(Shape(8 * score_bytes, signed=self.score_shape.signed))
        last_class = Signal()
        wanted = self.tags.payload.scores
        reply = self.replies.payload
        m.d.comb += [
            answer.eq(self.answers.payload.prediction),
            score.eq(self.scores.payload),
            last_class.eq(current_class == self.class_count - 1),
        ]
        end = Signal()
        m.d.comb += [self.tags.ready.eq(end), self.answers.ready.eq(end)]
        with m.FSM(name="reporter"):
            with m.State("HEADER"):
                m.d.comb += [
                    self.replies.valid.eq(self.tags.valid & self.answers.valid),
                    reply.data.eq(byte_at(header, byte)),
                    reply.last.eq((byte == header_bytes - 1) & ~wanted),
                ]
                with m.If(self.replies.valid & self.replies.ready):
                    m.d.sync += byte.eq(byte + 1)
                    with m.If(byte == header_bytes - 1):
                        m.d.sync += byte.eq(0)
                        m.next = "SCORES"
            with m.State("SCORES"):
                # Scores that nobody wants are taken all the same, one a cycle.
                done = Signal()
                m.d.comb += [
                    self.replies.valid.eq(self.scores.valid & wanted),
                    reply.data.eq(byte_at(score.as_unsigned(), byte)),
                    reply.last.eq(last_class & (byte == score_bytes - 1)),
                    done.eq(Mux(wanted, self.replies.ready & (byte == score_bytes - 1), 1)),
                    self.scores.ready.eq(done),
                    end.eq(self.scores.valid & done & last_class),
                ]
                with m.If(self.replies.valid & self.replies.ready):
                    m.d.sync += byte.eq(Mux(byte == score_bytes - 1, 0, byte + 1))
                with m.If(self.scores.valid & done):
                    m.d.sync += current_class.eq(Mux(last_class, 0, current_class + 1))
                    with m.If(last_class):
                        m.next = "HEADER"
        return m
