"""Takes results from the accelerator as fast as they come, and keeps them for the line."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..hw.checks import check_range
from ..hw.queue import Queue
from .protocol import CYCLES_BYTES


class AnswerLayout(data.StructLayout):
    """An image's answer and the cycles that it took."""

    def __init__(self, prediction):
        super().__init__({"prediction": prediction, "cycles": 8 * CYCLES_BYTES})


class ResultCollector(wiring.Component):
    """Queues one image's scores while the line is slow, so that the cycles are the accelerator's.

    An answer is given out when all of its scores are in the queue.

    Args:
        results: layout of a result beat.
        classes: scores of an image.

    Members:
        cycles: with ``finished``: what the image took.
        finished: the last result of an image came in this cycle.
    """

    def __init__(self, results: data.StructLayout, classes: int):
        self.class_count = check_range("ResultCollector", "classes", classes, 1, None)
        self.score_shape = results["score"].shape
        self.answer_layout = AnswerLayout(results["prediction"].shape)
        super().__init__(
            {
                "results": In(stream.Signature(results)),
                "cycles": In(8 * CYCLES_BYTES),
                "finished": Out(1),
                "scores": Out(stream.Signature(self.score_shape)),
                "answers": Out(stream.Signature(self.answer_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # With two answers, the next image's scores can come while this one's are sent.
        m.submodules.scores = scores = Queue(self.score_shape, max(2, self.class_count))
        m.submodules.answers = answers = Queue(self.answer_layout, 2)
        result = self.results.payload
        m.d.comb += [
            self.results.ready.eq(scores.input.ready & answers.input.ready),
            scores.input.valid.eq(self.results.valid & answers.input.ready),
            scores.input.payload.eq(result.score),
            self.finished.eq(self.results.valid & self.results.ready & result.last),
            answers.input.valid.eq(self.finished),
            answers.input.payload.prediction.eq(result.prediction),
            answers.input.payload.cycles.eq(self.cycles),
        ]
        wiring.connect(m, scores.output, wiring.flipped(self.scores))
        wiring.connect(m, answers.output, wiring.flipped(self.answers))
        return m
