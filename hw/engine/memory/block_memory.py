"""Block memory: the memory of an engine for small networks, in block RAM."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from ....golden.errors import RheobaseError
from ...basics.checks import check_range
from ...basics.shapes import index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import WORD_BITS
from ..memory_port import BURST_WORDS, MemoryPort
from ..program import ADDRESS_BITS


class BlockMemory(wiring.Component):
    """``words`` words behind a memory port; a word a cycle, the first one two after its command.

    Addresses beyond it are those modulo its words, a power of two.

    Args:
        words: the memory's depth.
        content: its first words when it is configured; the others are zero.

    Members:
        port: in, memory port.
    """

    port: wiring.PureInterface

    def __init__(self, words: int, content: Sequence[int] = ()):
        self.words = check_range("BlockMemory", "words", words, 2, 1 << ADDRESS_BITS)
        if words & (words - 1):
            raise RheobaseError(f"BlockMemory: words is {words}, must be a power of two")
        check_range("BlockMemory", "words of content", len(content), 0, words)
        self.content = content
        super().__init__({"port": In(MemoryPort())})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(WORD_BITS),
            depth=self.words,
            init=self.content,
            attrs={"ram_style": "block", **NO_COLLISIONS},
        )
        write, read = storage.write_port(), storage.read_port()
        commands, written, given = self.port.commands, self.port.written, self.port.read
        reads = Signal()
        writes = Signal()
        address = Signal(index_shape(self.words), reset_less=True)
        left = Signal(index_shape(BURST_WORDS))
        # What waits at the output stays there, and in the memory's register.
        moves = Signal()
        steps = Signal()
        m.d.comb += [
            moves.eq(~given.valid | given.ready),
            written.ready.eq(writes),
            steps.eq((reads & moves) | (writes & written.valid)),
            commands.ready.eq((~reads & ~writes) | (steps & (left == 0))),
            write.addr.eq(address),
            write.data.eq(written.payload),
            write.en.eq(writes & written.valid),
            read.addr.eq(address),
            read.en.eq(moves),
            given.payload.eq(read.data),
        ]
        with m.If(moves):
            m.d.sync += given.valid.eq(reads)
        with m.If(steps):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1)]
        with m.If(commands.ready):
            m.d.sync += [
                reads.eq(commands.valid & ~commands.payload.write),
                writes.eq(commands.valid & commands.payload.write),
                address.eq(commands.payload.address),
                left.eq(commands.payload.count),
            ]
        return m
