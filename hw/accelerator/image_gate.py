"""Lets images into the pipeline and holds T and t0 still while any is inside."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape


class ImageGate(wiring.Component):
    """Passes pixels and samples T and t0 with an image's first pixel.

    An image with the same setting as those under way follows without a gap; one with another
    setting waits until all of them have left.

    Args:
        pixel_width: bits of a pixel, all channels.
        pixels: pixels of an image.
        steps: largest T.
        images: most images that can be inside the pipeline.
        outputs: an image is inside until it has left all of so many outputs.

    Members:
        image_done: in; one bit for each output: an image left there in this cycle.
        steps, delay: in; the setting asked for; out-of-range values are not checked here.
        steps_held, delay_held: out; the setting of the images under way.
    """

    pixels: stream.Interface
    steps: Signal
    delay: Signal
    image_done: Signal
    admitted: stream.Interface
    steps_held: Signal
    delay_held: Signal

    def __init__(self, pixel_width: int, pixels: int, steps: int, images: int, outputs: int = 1):
        check_range("ImageGate", "pixel_width", pixel_width, 1, None)
        check_range("ImageGate", "pixels", pixels, 1, None)
        check_range("ImageGate", "steps (T)", steps, 1, None)
        check_range("ImageGate", "images", images, 1, None)
        check_range("ImageGate", "outputs", outputs, 1, None)
        self.pixel_count = pixels
        self.images = images
        super().__init__(
            {
                "pixels": In(stream.Signature(pixel_width)),
                "steps": In(count_shape(steps)),
                "delay": In(index_shape(steps)),
                "image_done": In(outputs),
                "admitted": Out(stream.Signature(pixel_width)),
                "steps_held": Out(count_shape(steps)),
                "delay_held": Out(index_shape(steps)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        pixel = Signal(index_shape(self.pixel_count))
        inside = [
            Signal(count_shape(self.images), name=f"inside_{output}")
            for output in range(len(self.image_done))
        ]
        first_pixel = Signal()
        same_setting = Signal()
        empty = Signal()
        full = Signal()
        open_ = Signal(name="open")
        m.d.comb += [
            first_pixel.eq(pixel == 0),
            same_setting.eq((self.steps == self.steps_held) & (self.delay == self.delay_held)),
            empty.eq(~Cat(count.any() for count in inside).any()),
            full.eq(Cat(count == self.images for count in inside).any()),
            open_.eq(~first_pixel | (same_setting & ~full)),
            self.admitted.payload.eq(self.pixels.payload),
            self.admitted.valid.eq(self.pixels.valid & open_),
            self.pixels.ready.eq(self.admitted.ready & open_),
        ]
        # The held setting changes a cycle before the image enters, with nothing inside.
        with m.If(first_pixel & empty & self.pixels.valid):
            m.d.sync += [self.steps_held.eq(self.steps), self.delay_held.eq(self.delay)]
        enters = Signal()
        m.d.comb += enters.eq(self.admitted.valid & self.admitted.ready & first_pixel)
        with m.If(self.admitted.valid & self.admitted.ready):
            m.d.sync += pixel.eq(Mux(pixel == self.pixel_count - 1, 0, pixel + 1))
        for output, count in enumerate(inside):
            m.d.sync += count.eq(count + enters - self.image_done[output])
        return m
