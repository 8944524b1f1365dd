"""Bytes of an image to pixels."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...hw.basics.checks import check_range
from ...hw.basics.shapes import index_shape


class ImageFeeder(wiring.Component):
    """Joins ``channels`` bytes, channel 0 first, to one pixel (channel 0 in the low byte).

    Members:
        bytes: in, stream; those of images.
        pixels: out, stream; all channels of a pixel at a time.
    """

    bytes: stream.Interface
    pixels: stream.Interface

    def __init__(self, channels: int):
        self.channels = check_range("ImageFeeder", "channels", channels, 1, None)
        super().__init__(
            {"bytes": In(stream.Signature(8)), "pixels": Out(stream.Signature(8 * channels))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if self.channels == 1:
            wiring.connect(m, wiring.flipped(self.bytes), wiring.flipped(self.pixels))
            return m
        # All channels but the last wait here; the last one completes the pixel on its way.
        waiting = Signal(8 * (self.channels - 1))
        channel = Signal(index_shape(self.channels))
        complete = Signal()
        m.d.comb += [
            complete.eq(channel == self.channels - 1),
            self.pixels.payload.eq(Cat(waiting, self.bytes.payload)),
            self.pixels.valid.eq(self.bytes.valid & complete),
            self.bytes.ready.eq(~complete | self.pixels.ready),
        ]
        with m.If(self.bytes.valid & self.bytes.ready):
            with m.If(complete):
                m.d.sync += channel.eq(0)
            with m.Else():
                m.d.sync += [
                    channel.eq(channel + 1),
                    waiting.eq(Cat(waiting[8:], self.bytes.payload)),
                ]
        return m
