"""Scores of a group at a time to one score a beat, and the answer."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import index_shape
from ..design.payloads import vector


class ResultLayout(data.StructLayout):
    """One beat of an image's result.

    Members:
        score: of the class that this beat is for; class 0 comes first, pixel after pixel.
        prediction: class with the largest score of the pixel so far, the lowest one on a tie: with
            the pixel's last class, the answer.
        last: the image's last beat.
    """

    def __init__(self, score_shape: Shape, classes: int):
        super().__init__({"score": score_shape, "prediction": index_shape(classes), "last": 1})


class ResultWriter(wiring.Component):
    """Gives out ``classes`` beats per pixel and finds the largest score on the way.

    Args:
        score_shape: shape of a score.
        neurons: P, scores that come together; those past the last class are not given out.
        pixels: of an image.

    Members:
        scores: in, stream; P scores of a group at a time.
        results: out, stream of ``ResultLayout``; a beat for each class of each pixel.
    """

    scores: stream.Interface
    results: stream.Interface

    def __init__(self, score_shape: Shape, neurons: int, classes: int, pixels: int = 1):
        check_range("ResultWriter", "classes", classes, 1, None)
        check_range("ResultWriter", "neurons (P)", neurons, 1, classes)
        check_range("ResultWriter", "pixels", pixels, 1, None)
        self.pixel_count = pixels
        self.score_shape = score_shape
        self.neurons = neurons
        self.classes = classes
        super().__init__(
            {
                "scores": In(stream.Signature(vector(score_shape, neurons))),
                "results": Out(stream.Signature(ResultLayout(score_shape, classes))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        waiting = Signal(vector(self.score_shape, self.neurons))
        left = Signal(index_shape(self.neurons + 1))
        pixel = Signal(index_shape(self.pixel_count))
        last_pixel = Signal()
        current_class = Signal(index_shape(self.classes))
        best_score = Signal(self.score_shape)
        best_class = Signal(index_shape(self.classes))

        score = waiting[0]
        result = self.results.payload
        wins = Signal()
        last_class = Signal()
        given = Signal()
        m.d.comb += [
            wins.eq((current_class == 0) | (score > best_score)),
            last_class.eq(current_class == self.classes - 1),
            result.score.eq(score),
            result.prediction.eq(Mux(wins, current_class, best_class)),
            last_pixel.eq(pixel == self.pixel_count - 1),
            result.last.eq(last_class & last_pixel),
            self.results.valid.eq(left != 0),
            given.eq(self.results.valid & self.results.ready),
            self.scores.ready.eq((left == 0) | (given & ((left == 1) | last_class))),
        ]
        with m.If(given):
            m.d.sync += [
                left.eq(Mux(last_class, 0, left - 1)),
                current_class.eq(Mux(last_class, 0, current_class + 1)),
            ]
            with m.If(last_class):
                m.d.sync += pixel.eq(Mux(last_pixel, 0, pixel + 1))
            with m.If(wins):
                m.d.sync += [best_score.eq(score), best_class.eq(current_class)]
            for neuron in range(self.neurons - 1):
                m.d.sync += waiting[neuron].eq(waiting[neuron + 1])
        with m.If(self.scores.valid & self.scores.ready):
            m.d.sync += [waiting.eq(self.scores.payload), left.eq(self.neurons)]
        return m
