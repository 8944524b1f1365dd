"""Spikes of neurons that take turns, put together to words of a whole group."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_divisor, check_range
from ..basics.shapes import count_shape, index_shape
from ..basics.widths import memory_depth


class SpikeTurns(wiring.Component):
    """Words of F spikes, train after train, to words of P spikes, step after step.

    The trains of all turns but the last wait in a memory of one word a step; those of the last
    complete its words and leave at once.

    Args:
        neurons: P.
        firing: F, a divisor of P other than P itself.
        steps: largest T.

    Members:
        spikes: in, stream; a word for each step of each turn.
        steps: in; T of the images under way.
        words: out, stream; a word for each step of each group.
    """

    spikes: stream.Interface
    steps: Signal
    words: stream.Interface

    def __init__(self, *, neurons: int, firing: int, steps: int):
        check_divisor("SpikeTurns", "firing neurons (F)", firing, neurons)
        check_range("SpikeTurns", "steps (T)", steps, 1, None)
        self.neurons = neurons
        self.firing = firing
        self.count = neurons // firing
        self.largest_steps = steps
        super().__init__(
            {
                "spikes": In(stream.Signature(firing)),
                "steps": In(count_shape(steps)),
                "words": Out(stream.Signature(neurons)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.trains = trains = memory.Memory(
            shape=self.neurons - self.firing, depth=memory_depth(self.largest_steps), init=[]
        )
        read = trains.read_port(domain="comb")
        write = trains.write_port()
        step = Signal(index_shape(memory_depth(self.largest_steps)))
        turn = Signal(index_shape(self.count))
        last_turn = Signal()  # known beforehand: what neurons do waits for it
        moves = Signal()
        word = Signal(self.neurons)
        m.d.comb += [
            read.addr.eq(step),
            # The newest turn on top: after the last one the first is at the bottom.
            word.eq(Cat(read.data, self.spikes.payload)),
            write.addr.eq(step),
            write.data.eq(word[self.firing :]),
            write.en.eq(moves),
            self.words.payload.eq(word),
            self.words.valid.eq(self.spikes.valid & last_turn),
            self.spikes.ready.eq(~last_turn | self.words.ready),
            moves.eq(self.spikes.valid & self.spikes.ready),
        ]
        with m.If(moves):
            m.d.sync += step.eq(step + 1)
            with m.If(step == self.steps - 1):
                m.d.sync += [
                    step.eq(0),
                    turn.eq(Mux(last_turn, 0, turn + 1)),
                    last_turn.eq(turn == self.count - 2),
                ]
        return m
