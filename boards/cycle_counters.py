"""Counts the accelerator's cycles: of the last image, while busy, and in all."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..hw.checks import check_range
from ..hw.queue import Queue
from ..hw.shapes import count_shape
from .protocol import COUNTER_BYTES, CYCLES_BYTES

_IMAGES, _LAST, _BUSY, _TOTAL = (8 * size for size in COUNTER_BYTES)


class CycleCounters(wiring.Component):
    """Time stamps of the images inside go through a queue, so that several may be under way.

    Args:
        images: most images inside at a time.

    Members:
        started: an image is offered to the accelerator in this cycle.
        finished: its last result has come.
        elapsed: with ``finished``: cycles since the image's ``started``, both included.
        images: images finished.
        last: ``elapsed`` of the image finished last.
        busy: cycles with at least one image inside.
        total: cycles since the reset.
        occupied: an image is inside.
    """

    def __init__(self, images: int):
        self.images_inside = check_range("CycleCounters", "images", images, 1, None)
        super().__init__(
            {
                "started": In(1),
                "finished": In(1),
                "elapsed": Out(8 * CYCLES_BYTES),
                "images": Out(_IMAGES),
                "last": Out(_LAST),
                "busy": Out(_BUSY),
                "total": Out(_TOTAL),
                "occupied": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.stamps = stamps = Queue(8 * CYCLES_BYTES, max(2, self.images_inside))
        inside = Signal(count_shape(self.images_inside))
        m.d.comb += [
            stamps.input.payload.eq(self.total),
            stamps.input.valid.eq(self.started),
            stamps.output.ready.eq(self.finished),
            self.elapsed.eq(self.total - stamps.output.payload + 1),
            self.occupied.eq(self.started | (inside != 0)),
        ]
        m.d.sync += [
            self.total.eq(self.total + 1),
            inside.eq(inside + self.started - self.finished),
        ]
        with m.If(self.occupied):
            m.d.sync += self.busy.eq(self.busy + 1)
        with m.If(self.finished):
            m.d.sync += [self.images.eq(self.images + 1), self.last.eq(self.elapsed)]
        return m
