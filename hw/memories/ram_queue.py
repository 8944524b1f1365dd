"""A first-in first-out queue in block RAM, between two streams."""

from __future__ import annotations

from amaranth import Module, Shape, Signal, unsigned
from amaranth.hdl import ShapeLike
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.queue import Queue
from ..design.queues import QueueDesign
from .memory_shape import queue_memory


class RamQueue(wiring.Component):
    """``depth`` elements of ``shape``, a power of two, in a memory with a clocked read port.

    For where there is no distributed RAM: what a ``Queue`` keeps is registers and their selectors
    then. An element is given out two cycles after it came, one later than there. It takes and gives
    one in every cycle and cuts the path from ``output.ready`` to ``input.ready``.

    Members:
        input: in, stream; elements of ``shape``.
        output: out, stream; the same, two cycles later at the earliest.
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, shape: ShapeLike, depth: int):
        self.depth = check_range("RamQueue", "depth", depth, 2, None)
        check_range("RamQueue", "depth (a power of two)", depth & (depth - 1), 0, 0)
        self.shape = shape
        super().__init__(
            {"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        depth = self.depth
        kept = queue_memory(Shape.cast(self.shape).width, depth)
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(kept.width), depth=kept.words, init=[], attrs=kept.attributes
        )
        write, read = storage.write_port(), storage.read_port()
        # Of a bit more than an address, so that full and empty differ.
        produce = Signal(range(2 * depth))
        consume = Signal(range(2 * depth))
        following = Signal(range(2 * depth))
        m.d.comb += [
            following.eq(consume + (self.output.valid & self.output.ready)),
            self.input.ready.eq((produce ^ consume) != depth),
            write.addr.eq(produce),
            write.data.eq(self.input.payload),
            # What is written while nothing enters is written over.
            write.en.eq(self.input.ready),
            # Read again and again while it waits, and first when it was written a cycle before.
            read.addr.eq(following),
            read.en.eq(1),
            self.output.payload.eq(read.data),
        ]
        m.d.sync += [consume.eq(following), self.output.valid.eq(following != produce)]
        with m.If(self.input.valid & self.input.ready):
            m.d.sync += produce.eq(produce + 1)
        return m


def built_queue(
    design: QueueDesign, shape: ShapeLike, *, reset_less: bool = False
) -> RamQueue | Queue:
    """A queue of ``shape``: in block RAM, or as ``Queue`` keeps its elements."""
    if design.blocks:
        return RamQueue(shape, design.depth)
    return Queue(shape, design.depth, reset_less=reset_less)
