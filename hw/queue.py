"""A small first-in first-out queue between two streams."""

from __future__ import annotations

from amaranth import Module, Shape
from amaranth.hdl import ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from .checks import check_range


class Queue(wiring.Component):
    """``depth`` elements of ``shape`` between ``input`` and ``output``.

    It takes and gives an element in every cycle and cuts the path from ``output.ready`` to
    ``input.ready``.
    """

    def __init__(self, shape: ShapeLike, depth: int):
        self.depth = check_range("Queue", "depth", depth, 2, None)
        self.shape = shape
        super().__init__(
            {"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFO(width=Shape.cast(self.shape).width, depth=self.depth)
        m.d.comb += [
            fifo.w_data.eq(self.input.payload),
            fifo.w_en.eq(self.input.valid),
            self.input.ready.eq(fifo.w_rdy),
            self.output.payload.eq(fifo.r_data),
            self.output.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.output.ready),
        ]
        return m
