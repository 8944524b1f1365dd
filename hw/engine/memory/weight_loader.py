"""Weight loader: the stream of weights into the rings of the lanes' memories."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import count_shape, index_shape
from ..design import WORD_BITS, EngineDesign


class WeightLoader(wiring.Component):
    """Loads what passes need in their order, as far ahead as the rings have room.

    The stream has, for each address of a pass, the P weights of every lane. What is loaded stays
    until a pass is over and releases its share, the oldest.

    Members:
        words: in, stream; memory words, ``design.weight_memory_words`` for P weights.
        clear: in; forget what is loaded and begin anew; the stream begins anew as well.
        pass_words: in; weight words of the pass that is under way or comes next.
        release: in; the pass is over: its words are given up.
        ready: out; all words of that pass are loaded.
        base: out; ring address of its first word.
        write: out, one-hot; the lane whose memory is written.
        address: out; in the ring.
        part: out; of the word in the P weights, whose first is in the lowest bits.
        word: out.
    """

    words: stream.Interface
    clear: Signal
    pass_words: Signal
    release: Signal
    ready: Signal
    base: Signal
    write: Signal
    address: Signal
    part: Signal
    word: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        ring = design.weight_words
        super().__init__(
            {
                "words": In(stream.Signature(WORD_BITS)),
                "clear": In(1),
                "pass_words": In(count_shape(ring)),
                "release": In(1),
                "ready": Out(1),
                "base": Out(index_shape(ring)),
                "write": Out(design.lanes),
                "address": Out(index_shape(ring)),
                "part": Out(index_shape(design.weight_memory_words)),
                "word": Out(WORD_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        parts = design.weight_memory_words
        part = Signal(index_shape(parts))
        lane = Signal(design.lanes, init=1)
        # Addresses that all lanes have, and how many of them are not given up.
        loaded = Signal.like(self.address)
        kept = Signal(count_shape(design.weight_words))
        takes = Signal()
        complete = Signal()
        # The last lane's word at an address is complete; it counts a cycle later.
        everywhere, counts = Signal(), Signal()
        room = Signal()
        m.d.comb += [
            self.words.ready.eq(room),
            takes.eq(self.words.valid & self.words.ready),
            complete.eq(takes & (part == parts - 1)),
            self.ready.eq(kept >= self.pass_words),
        ]
        with m.If(takes):
            m.d.sync += part.eq(Mux(part == parts - 1, 0, part + 1))
        m.d.sync += [
            self.write.eq(Mux(takes, lane, 0)),
            self.address.eq(loaded),
            self.part.eq(part),
            self.word.eq(self.words.payload),
        ]
        m.d.comb += everywhere.eq(complete & lane[-1])
        m.d.sync += [
            counts.eq(everywhere),
            room.eq((kept != design.weight_words) & ~everywhere & ~counts),
        ]
        with m.If(complete):
            m.d.sync += lane.eq(lane.rotate_left(1))
        with m.If(everywhere):
            m.d.sync += loaded.eq(loaded + 1)
        m.d.sync += kept.eq(kept + counts - Mux(self.release, self.pass_words, 0))
        with m.If(self.release):
            m.d.sync += self.base.eq(self.base + self.pass_words)
        with m.If(self.clear):
            m.d.sync += [part.eq(0), lane.eq(1), loaded.eq(0), self.base.eq(0)]
            m.d.sync += [kept.eq(0), counts.eq(0)]
        return m
