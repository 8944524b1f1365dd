"""A small first-in first-out queue between two streams."""

from __future__ import annotations

from amaranth import Module, Mux, Shape, Signal, unsigned
from amaranth.hdl import ShapeLike
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .payload_register import payload_register
from .successor import successor


class Queue(wiring.Component):
    """``depth`` elements of ``shape`` between ``input`` and ``output``.

    It takes and gives an element in every cycle (in every other one where ``depth`` is 1) and cuts
    the path from ``output.ready`` to ``input.ready``. One or two elements are registers, more are a
    memory. ``reset_less``: registers of elements have no reset, see ``payload_register``.

    Members:
        input: in, stream; elements of ``shape``.
        output: out, stream; the same, a cycle later at the earliest.
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, shape: ShapeLike, depth: int, *, reset_less: bool = False):
        self.depth = check_range("Queue", "depth", depth, 1, None)
        self.shape = shape
        self.reset_less = reset_less
        super().__init__(
            {"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if self.depth == 1:
            self._register(m)
        elif self.depth == 2:
            self._registers(m)
        else:
            self._memory(m)
        return m

    def _register(self, m: Module) -> None:
        """One register, which is filled once it is empty."""
        payload = payload_register(m, self.output.payload, "held", reset_less=self.reset_less)
        m.d.comb += self.input.ready.eq(~self.output.valid)
        with m.If(self.output.valid):
            m.d.sync += self.output.valid.eq(~self.output.ready)
        with m.Else():
            m.d.sync += [
                self.output.valid.eq(self.input.valid),
                payload.eq(self.input.payload),
            ]

    def _registers(self, m: Module) -> None:
        """Two registers: what does not fit the output waits in a spare one."""
        payload = payload_register(m, self.output.payload, "held", reset_less=self.reset_less)
        spare = Signal(self.shape, reset_less=self.reset_less)
        spare_valid = Signal()
        moves = Signal()
        m.d.comb += [
            self.input.ready.eq(~spare_valid),
            moves.eq(~self.output.valid | self.output.ready),
        ]
        with m.If(~spare_valid):
            m.d.sync += spare.eq(self.input.payload)
        with m.If(moves):
            m.d.sync += [
                self.output.valid.eq(spare_valid | self.input.valid),
                payload.eq(Mux(spare_valid, spare, self.input.payload)),
                spare_valid.eq(0),
            ]
        with m.Elif(self.input.valid):
            m.d.sync += spare_valid.eq(1)

    def _memory(self, m: Module) -> None:
        """A ring in (distributed) memory; registers say whether it is full or empty."""
        depth = self.depth
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(Shape.cast(self.shape).width), depth=depth, init=[]
        )
        write = storage.write_port()
        read = storage.read_port(domain="comb")
        produce = Signal(len(write.addr))
        consume = Signal(len(read.addr))
        full = Signal()
        filled = Signal()
        enters = Signal()
        leaves = Signal()
        m.d.comb += [
            self.input.ready.eq(~full),
            self.output.valid.eq(filled),
            self.output.payload.eq(read.data),
            write.addr.eq(produce),
            write.data.eq(self.input.payload),
            # What is written while nothing enters is written over: whether it does comes late.
            write.en.eq(~full),
            enters.eq(self.input.valid & ~full),
            read.addr.eq(consume),
            leaves.eq(filled & self.output.ready),
        ]
        for pointer, moves in ((produce, enters), (consume, leaves)):
            with m.If(moves):
                m.d.sync += pointer.eq(successor(pointer, depth))
        with m.If(enters & ~leaves):
            m.d.sync += [filled.eq(1), full.eq(successor(produce, depth) == consume)]
        with m.If(leaves & ~enters):
            m.d.sync += [full.eq(0), filled.eq(successor(consume, depth) != produce)]
