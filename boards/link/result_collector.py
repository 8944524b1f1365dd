"""Takes results from the accelerator as fast as they come, and keeps them for the line."""

from __future__ import annotations

from amaranth import Cat, Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...hw.basics.checks import check_range
from ...hw.basics.queue import Queue
from ...hw.basics.shapes import index_shape
from ...hw.memories.memory_shape import MemoryShape
from .block_memory import block_memory, block_shape

#: Images whose results are kept: the next one's come while one's are sent.
_IMAGES = 2


def score_memory(score: Shape, classes: int) -> MemoryShape:
    """What the scores are kept in."""
    return block_shape(_IMAGES << index_shape(classes).width, score.width)


class ResultCollector(wiring.Component):
    """Keeps two images' scores while the line is slow, so that the cycles are the accelerator's.

    An answer is given out when all of its scores are there; they stay until it is taken.

    Args:
        results: layout of a result beat.
        classes: scores of an image.

    Members:
        may_finish: in; the last result of an image can be taken.
        finished: out; it came in this cycle.
        answers: out, stream; prediction of each image.
        score_index, score: a score of the image whose answer is offered; it follows in the next
            cycle.
    """

    results: stream.Interface
    may_finish: Signal
    finished: Signal
    answers: stream.Interface
    score_index: Signal
    score: Signal

    def __init__(self, results: data.StructLayout, classes: int):
        self.class_count = check_range("ResultCollector", "classes", classes, 1, None)
        self.score_shape = Shape.cast(results["score"].shape)
        super().__init__(
            {
                "results": In(stream.Signature(results)),
                "may_finish": In(1),
                "finished": Out(1),
                "answers": Out(stream.Signature(results["prediction"].shape)),
                "score_index": In(index_shape(classes)),
                "score": Out(self.score_shape),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        index = Signal(index_shape(self.class_count))
        coming = Signal(range(_IMAGES))
        offered = Signal(range(_IMAGES))
        result = self.results.payload
        m.submodules.answers = answers = Queue(result.prediction.shape(), _IMAGES)
        # Those of the image that comes are written, those of the one that is offered are read.
        m.submodules.scores = scores = block_memory(
            score_memory(self.score_shape, self.class_count)
        )
        write, read = scores.write_port(), scores.read_port()
        taken = Signal()
        m.d.comb += [
            self.results.ready.eq(answers.input.ready & (self.may_finish | ~result.last)),
            taken.eq(self.results.valid & self.results.ready),
            self.finished.eq(taken & result.last),
            answers.input.valid.eq(self.finished),
            answers.input.payload.eq(result.prediction),
            write.addr.eq(Cat(index, coming)),
            write.data.eq(result.score),
            write.en.eq(taken),
            read.addr.eq(Cat(self.score_index, offered)),
            self.score.eq(read.data),
        ]
        with m.If(taken):
            m.d.sync += index.eq(index + 1)
        with m.If(self.finished):
            m.d.sync += [index.eq(0), coming.eq(coming + 1)]
        with m.If(self.answers.valid & self.answers.ready):
            m.d.sync += offered.eq(offered + 1)
        wiring.connect(m, answers.output, wiring.flipped(self.answers))
        return m
