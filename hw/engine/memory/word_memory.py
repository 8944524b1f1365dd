"""Word memory: entries that are written memory word by memory word and read whole."""

from __future__ import annotations

from amaranth import Cat, Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ....golden.basics.arithmetic import ceil_div
from ...basics.checks import check_range
from ...basics.shapes import index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import WORD_BITS


class WordMemory(wiring.Component):
    """``depth`` entries of ``width`` bits in block RAMs, one for each word of an entry.

    ::

        word ─┬─> block RAM of part 0 ──┐
              ├─> block RAM of part 1 ──┼─> entry
              └─> ...                 ──┘

    A word goes to the block RAM that keeps it, so what writes is a word wide, not an entry.

    Args:
        width: bits of an entry; the last word has fewer where it is no multiple of a word's.
        depth: entries.

    Members:
        write: in; write ``word`` as ``part`` of entry ``index``.
        index, part, word: in.
        read: in; look ``read_index`` up.
        read_index: in.
        entry: out; what was looked up last, from the cycle after it on. What is written in the
            cycle of its look-up may be old or new.
    """

    write: Signal
    index: Signal
    part: Signal
    word: Signal
    read: Signal
    read_index: Signal
    entry: Signal

    def __init__(self, width: int, depth: int):
        self.width = check_range("WordMemory", "width", width, 1, None)
        self.depth = check_range("WordMemory", "depth", depth, 1, None)
        self.parts = ceil_div(width, WORD_BITS)
        super().__init__(
            {
                "write": In(1),
                "index": In(index_shape(depth)),
                "part": In(index_shape(self.parts)),
                "word": In(WORD_BITS),
                "read": In(1),
                "read_index": In(index_shape(depth)),
                "entry": Out(width),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        words = []
        for part in range(self.parts):
            bits = min(WORD_BITS, self.width - part * WORD_BITS)
            storage = memory.Memory(
                shape=unsigned(bits),
                depth=self.depth,
                init=[],
                attrs={"ram_style": "block", **NO_COLLISIONS},
            )
            m.submodules[f"part_{part}"] = storage
            write, read = storage.write_port(), storage.read_port()
            m.d.comb += [
                write.addr.eq(self.index),
                write.data.eq(self.word),
                write.en.eq(self.write & (self.part == part)),
                read.addr.eq(self.read_index),
                read.en.eq(self.read),
            ]
            words.append(read.data)
        m.d.comb += self.entry.eq(Cat(words))
        return m
