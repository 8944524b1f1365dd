"""Sequential reader: a range of the memory as a stream of words, read ahead."""

from __future__ import annotations

from amaranth import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ....golden.errors import RheobaseError
from ...basics.checks import check_range
from ...basics.queue import Queue
from ...basics.shapes import count_shape
from ...design.queues import QueueDesign
from ...memories.ram_queue import built_queue
from ..design import WORD_BITS
from ..memory_port import BURST_WORDS, MemoryPort
from ..program import ADDRESS_BITS


class SequentialReader(wiring.Component):
    """Reads ``words`` words from ``base`` on into a queue, in bursts of at most ``burst``.

    It begins with ``restart``, and then drops what it had read ahead: nothing of that is given out
    afterwards. ``repeats``: behind the last word comes the first one again, for ever; else it ends
    there.

    Args:
        queue: of words that are read ahead, at least ``burst``.
        burst: most words of a command.
        repeats: whether the range is read again and again.

    Members:
        port: out, memory port.
        base, words: in; the range; they stand still from a cycle before ``restart`` on.
        restart: in; begin at the base in the next cycle.
        output: out, stream; the words.
    """

    port: wiring.PureInterface
    base: Signal
    words: Signal
    restart: Signal
    output: stream.Interface

    def __init__(self, queue: QueueDesign, *, burst: int = BURST_WORDS, repeats: bool = False):
        self.burst = check_range("SequentialReader", "burst", burst, 1, BURST_WORDS)
        check_range("SequentialReader", "queue.depth", queue.depth, burst, None)
        if burst & (burst - 1):
            raise RheobaseError(
                f"SequentialReader: burst is {burst}, must be a power of two up to {BURST_WORDS}"
            )
        self.queue = queue
        self.repeats = repeats
        super().__init__(
            {
                "port": Out(MemoryPort()),
                "base": In(ADDRESS_BITS),
                "words": In(ADDRESS_BITS),
                "restart": In(1),
                "output": Out(stream.Signature(WORD_BITS)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        commands, read = self.port.commands, self.port.read
        kept = ResetInserter(self.restart)(built_queue(self.queue, WORD_BITS))
        m.submodules.queue = kept
        # Whether a word is taken comes late for what a ring works out of it.
        leaving = ResetInserter(self.restart)(Queue(WORD_BITS, 2, reset_less=True))
        m.submodules.leaving = leaving
        wiring.connect(m, kept.output, leaving.input)
        wiring.connect(m, leaving.output, wiring.flipped(self.output))

        depth = self.queue.depth
        left = Signal(ADDRESS_BITS)
        address = Signal(ADDRESS_BITS, reset_less=True)
        # Words that the queue has room for besides those that were asked for; those have not come.
        room = Signal(count_shape(depth))
        waited_for = Signal(count_shape(depth))
        dropping = Signal()
        running = Signal()
        asks = Signal()
        burst = Signal(count_shape(self.burst))
        whole = left[self.burst.bit_length() - 1 :].any()
        m.d.comb += [
            burst.eq(Mux(whole, self.burst, left)),
            asks.eq(~commands.valid & ~dropping & (left != 0) & (room >= self.burst)),
            commands.payload.address.eq(address),
            read.ready.eq(dropping | kept.input.ready),
            kept.input.valid.eq(read.valid & ~dropping),
            kept.input.payload.eq(read.payload),
        ]
        with m.If(asks):
            m.d.sync += [
                commands.valid.eq(1),
                commands.payload.count.eq(burst - 1),
                left.eq(left - burst),
            ]
        with m.If(commands.valid & commands.ready):
            m.d.sync += [
                commands.valid.eq(0),
                address.eq(address + commands.payload.count + 1),
            ]
        asked = Mux(asks, burst, 0)
        m.d.sync += [
            room.eq(room - asked + (self.output.valid & self.output.ready)),
            waited_for.eq(waited_for + asked - (read.valid & read.ready)),
        ]
        # A command that is offered stays as it is; its words are waited for as well.
        with m.If(dropping & (waited_for == 0)):
            m.d.sync += [
                dropping.eq(0),
                room.eq(depth),
                address.eq(self.base),
                left.eq(self.words),
            ]
        if self.repeats:
            with m.Elif(running & ~dropping & (left == 0) & ~commands.valid):
                m.d.sync += [address.eq(self.base), left.eq(self.words)]
        with m.If(self.restart):
            m.d.sync += [dropping.eq(1), running.eq(1)]
        return m
