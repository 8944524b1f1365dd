"""One stream to several consumers that need not be ready together."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range


class StreamFork(wiring.Component):
    """Gives every element of ``input`` once to each of ``branches`` outputs.

    An output takes its element as soon as it is ready; the input moves on once all have it. No
    output's ``valid`` depends on another's ``ready``, as the stream rules ask.

    Members:
        input: in, stream; the elements.
        outputs: out, streams; every element on each of them.
    """

    input: stream.Interface
    outputs: list[stream.Interface]

    def __init__(self, shape: ShapeLike, branches: int):
        self.branches = check_range("StreamFork", "branches", branches, 1, None)
        super().__init__(
            {
                "input": In(stream.Signature(shape)),
                "outputs": Out(stream.Signature(shape)).array(branches),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        served = Signal(self.branches)
        serving = served | Cat(output.ready for output in self.outputs)
        all_served = Signal()
        m.d.comb += [all_served.eq(serving.all()), self.input.ready.eq(all_served)]
        for i, output in enumerate(self.outputs):
            m.d.comb += [
                output.payload.eq(self.input.payload),
                output.valid.eq(self.input.valid & ~served[i]),
            ]
        with m.If(self.input.valid):
            m.d.sync += served.eq(Mux(all_served, 0, serving))
        return m
