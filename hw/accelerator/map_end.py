"""Notices the end of an image's map in a stream of spike words."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape


class MapEnd(wiring.Component):
    """``done`` in the cycle in which a map's last word moves.

    A reader that keeps nothing of the map's end answers before that end has come. Until then the
    image is inside, and T must stand still (see ``ImageGate``).

    Args:
        trains: trains of words in a map: rows * columns * groups.
        steps: largest T.

    Members:
        moves: in; a word moves in this cycle.
        steps: in; T of the images under way.
    """

    moves: Signal
    steps: Signal
    done: Signal

    def __init__(self, trains: int, steps: int):
        self.trains = check_range("MapEnd", "trains", trains, 1, None)
        check_range("MapEnd", "steps (T)", steps, 1, None)
        super().__init__({"moves": In(1), "steps": In(count_shape(steps)), "done": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        step = Signal.like(self.steps)
        train = Signal(index_shape(self.trains))
        last_step = Signal()
        last_train = Signal()
        m.d.comb += [
            last_step.eq(step == self.steps - 1),
            last_train.eq(train == self.trains - 1),
            self.done.eq(self.moves & last_step & last_train),
        ]
        with m.If(self.moves):
            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
            with m.If(last_step):
                m.d.sync += train.eq(Mux(last_train, 0, train + 1))
        return m
