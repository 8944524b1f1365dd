"""Weight loader: the stream of weights into the rings of the lanes' memories."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import count_shape, index_shape
from ..design import WORD_BITS, EngineDesign
from ..program import weights_record
from ..record_layouts import record_layout


class WeightLoader(wiring.Component):
    """Loads what passes need in their order, as far ahead as the rings have room.

    The stream has a word in front of each group's weights (``weights_record``), and for each of its
    addresses the weights of every lane: those of the channels that it has. What is loaded stays
    until a pass is over and releases its share, the oldest.

    Members:
        words: in, stream; memory words.
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
        front_layout = record_layout(weights_record(design))
        front = front_layout(self.words.payload[: front_layout.size])
        # The next word is a front; or addresses of its group are still to come.
        begins = Signal(init=1)
        left = Signal.like(front.addresses)
        part = Signal(index_shape(design.weight_memory_words))
        last_part = Signal.like(part)
        lane = Signal(design.lanes, init=1)
        # Addresses that all lanes have, and how many of them are not given up.
        loaded = Signal.like(self.address)
        kept = Signal(count_shape(design.weight_words))
        takes, loads = Signal(), Signal()
        complete = Signal()
        # The last lane's word at an address is complete; it counts a cycle later.
        everywhere, counts = Signal(), Signal()
        room = Signal()
        m.d.comb += [
            self.words.ready.eq(room),
            takes.eq(self.words.valid & self.words.ready),
            loads.eq(takes & ~begins),
            complete.eq(loads & (part == last_part)),
            self.ready.eq(kept >= self.pass_words),
        ]
        with m.If(takes & begins):
            m.d.sync += [
                begins.eq(front.addresses == 0),
                left.eq(front.addresses),
                last_part.eq(front.parts - 1),
            ]
        with m.If(loads):
            m.d.sync += part.eq(Mux(complete, 0, part + 1))
        m.d.sync += [
            self.write.eq(Mux(loads, lane, 0)),
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
            m.d.sync += [loaded.eq(loaded + 1), left.eq(left - 1), begins.eq(left == 1)]
        m.d.sync += kept.eq(kept + counts - Mux(self.release, self.pass_words, 0))
        with m.If(self.release):
            m.d.sync += self.base.eq(self.base + self.pass_words)
        with m.If(self.clear):
            m.d.sync += [begins.eq(1), part.eq(0), lane.eq(1), loaded.eq(0), self.base.eq(0)]
            m.d.sync += [kept.eq(0), counts.eq(0)]
        return m
