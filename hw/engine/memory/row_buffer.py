"""Row buffer: rows of the maps that a pass reads, many digits to a word."""

from __future__ import annotations

from amaranth import Cat, Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import WORD_BITS, EngineDesign


class RowBuffer(wiring.Component):
    """``design.buffer_words`` words of ``design.buffer_columns`` memory words each.

    Members:
        enables: in; columns that are written.
        write_address: in.
        first_word, other_word: in; what the first column gets, and what the others get.
        read_address: in.
        read_enable: in; else ``word`` stays what it is.
        word: out; a cycle after its address.
    """

    enables: Signal
    write_address: Signal
    first_word: Signal
    other_word: Signal
    read_address: Signal
    read_enable: Signal
    word: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        address = index_shape(design.buffer_words)
        super().__init__(
            {
                "enables": In(design.buffer_columns),
                "write_address": In(address),
                "first_word": In(WORD_BITS),
                "other_word": In(WORD_BITS),
                "read_address": In(address),
                "read_enable": In(1),
                "word": Out(design.buffer_columns * WORD_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        columns = self.design.buffer_columns
        # What is read is complete: it is never written in the same cycle.
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(columns * WORD_BITS),
            depth=self.design.buffer_words,
            init=[],
            attrs={"ram_style": "block", **NO_COLLISIONS},
        )
        write, read = storage.write_port(granularity=WORD_BITS), storage.read_port()
        m.d.comb += [
            write.addr.eq(self.write_address),
            write.data.eq(Cat(self.first_word, self.other_word.replicate(columns - 1))),
            write.en.eq(self.enables),
            read.addr.eq(self.read_address),
            read.en.eq(self.read_enable),
            self.word.eq(read.data),
        ]
        return m
