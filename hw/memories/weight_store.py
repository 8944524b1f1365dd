"""The weights of a lane: the word at an address, some cycles later."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..basics.select import pick
from ..basics.shapes import index_shape, packed_words
from ..design.folding import WeightMemory
from ..design.payloads import vector
from ..design.style import FAST, Style
from .memory_shape import MemoryShape
from .weight_banks import weight_banks


class WeightStore(wiring.Component):
    """Memories and the registers behind them.

    A block RAM takes longer to answer than a register, so its answer goes into one. Where words are
    in several segments (see ``WeightBanks``), each segment has a register, and the word is selected
    a cycle later.

    Args:
        weights: integers (words, P).
        weight_bits: two's complement width of a weight.
        weight_memory: what holds the weights; by their size where None.
        style: whether the words are in several parts.

    Members:
        moves: in; addresses and words go on by a cycle.
        address: in; of a word, which comes ``latency`` cycles later.
        clears: in; zeros in place of the word that would come next.
        word: out; P weights.
    """

    moves: Signal
    address: Signal
    clears: Signal
    word: Signal

    def __init__(
        self,
        weights: np.ndarray,
        weight_bits: int,
        weight_memory: WeightMemory | None = None,
        *,
        style: Style = FAST,
    ):
        self.weights = weights
        self.weight_bits = weight_bits
        self.style = style
        words, neurons = weights.shape
        self.banks = weight_banks(
            words, neurons * weight_bits, weight_memory, split=style.memory_banks
        )
        self.latency = 2 if self.banks.selected == 1 else 3
        super().__init__(
            {
                "moves": In(1),
                "address": In(index_shape(words)),
                "clears": In(1),
                "word": Out(vector(signed(weight_bits), neurons)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width = self.word.shape().size
        left = packed_words(self.weights, self.weight_bits)
        segments = []
        for bank, (shape, count) in enumerate(
            zip(self.banks.banks, self.banks.segments, strict=True)
        ):
            held, left = left[: count * self.banks.depth], left[count * self.banks.depth :]
            answer = self._bank(m, f"bank{bank}", shape, held)
            segments += [answer[low : low + width] for low in range(0, len(answer), width)]
        # Nothing is done with a word before it has come.
        word = Signal(width, name="held_word", reset_less=not self.style.payload_resets)
        if len(segments) == 1:
            (chosen,) = segments
        else:
            chosen = self._selected(m, segments)
        with m.If(self.moves):
            m.d.sync += word.eq(chosen)
        # By itself, it is the register's reset and costs no logic.
        with m.If(self.moves & self.clears):
            m.d.sync += word.eq(0)
        m.d.comb += self.word.eq(word)
        return m

    def _bank(self, m: Module, name: str, shape: MemoryShape, held: list[int]) -> Signal:
        """What the bank that holds the words ``held`` has at the address, a cycle later."""
        width = self.word.shape().size
        rows = [held[row :: self.banks.depth] for row in range(shape.words)]
        init = [sum(word << segment * width for segment, word in enumerate(row)) for row in rows]
        storage = memory.Memory(
            shape=unsigned(shape.width), depth=shape.words, init=init, attrs=shape.attributes
        )
        m.submodules[name] = storage
        read = storage.read_port()
        m.d.comb += [read.addr.eq(self.address), read.en.eq(self.moves)]
        return read.data

    def _selected(self, m: Module, segments: list) -> Signal:
        """The word out of the segment that was asked for, a cycle after they came."""
        asked = Signal(len(segments), reset_less=True)
        select = Signal.like(asked)
        place = self.address >> (self.banks.depth - 1).bit_length()
        held = [
            Signal.like(segment, name=f"part_{number}", reset_less=True)
            for number, segment in enumerate(segments)
        ]
        with m.If(self.moves):
            m.d.sync += [
                *(bit.eq(place == segment) for segment, bit in enumerate(asked)),
                select.eq(asked),
                *(register.eq(segment) for register, segment in zip(held, segments, strict=True)),
            ]
        return pick(select, held)
