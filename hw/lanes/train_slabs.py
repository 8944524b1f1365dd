"""A map's spike words as slabs of event lanes, with no buffer in between."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape
from ..basics.table import lookup


class TrainSlabLayout(data.StructLayout):
    """One spike word on its way to the lanes.

    Members:
        bits: spikes of the group's channels.
        group: which group of the source's channels.
        new_plane: a plane other than its unit's first.
        last: the unit's last word.
        image_last: of the image's last unit, if it is that one's last.
    """

    def __init__(self, word_width: int, groups: int):
        super().__init__(
            {
                "bits": word_width,
                "group": index_shape(groups),
                "new_plane": 1,
                "last": 1,
                "image_last": 1,
            }
        )


class TrainSlabs(wiring.Component):
    """Marks the words of a map: where a train ends, and where the image does.

    Args:
        word_width: bits of a word.
        seen: per group of a pixel, a bit mask of the channels that count.
        pixels: of an image.
        steps: largest T.
        radix: steps are bit planes, and ``delay`` is not read.
        step_planes: words of a group at each step. A unit is a train; where they are two, a step.

    Members:
        words: in, stream; per pixel, per group, the words of each step.
        steps, delay: in; T and t0 of the images under way; spikes of the first t0 steps do not
            count.
    """

    words: stream.Interface
    steps: Signal
    delay: Signal
    slabs: stream.Interface

    def __init__(
        self,
        word_width: int,
        seen: tuple[int, ...],
        *,
        pixels: int,
        steps: int,
        radix: bool,
        step_planes: int = 1,
    ):
        check_range("TrainSlabs", "pixels", pixels, 1, None)
        check_range("TrainSlabs", "steps (T)", steps, 1, None)
        check_range("TrainSlabs", "groups", len(seen), 1, None)
        self.seen = seen
        self.pixel_count = pixels
        self.radix = radix
        self.step_planes = check_range("TrainSlabs", "step_planes", step_planes, 1, 2)
        self.slab_layout = TrainSlabLayout(word_width, len(seen))
        super().__init__(
            {
                "words": In(stream.Signature(word_width)),
                "steps": In(count_shape(steps)),
                "delay": In(index_shape(steps)),
                "slabs": Out(stream.Signature(self.slab_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        step = Signal.like(self.delay)
        group = Signal(index_shape(len(self.seen)))
        pixel = Signal(index_shape(self.pixel_count))
        last_step = Signal()
        last_group = Signal()
        last_pixel = Signal()
        counts = Signal()
        slab = self.slabs.payload
        seen = lookup(m, group, self.seen, name="seen")
        moves = self.words.valid & self.words.ready
        new_plane, ends = step != 0 if self.radix else 0, last_step
        if self.step_planes > 1:
            new_plane = ends = Signal(name="later_plane")
            with m.If(moves):
                m.d.sync += ends.eq(~ends)
            moves &= ends
        m.d.comb += [
            last_step.eq(step == self.steps - 1),
            last_group.eq(group == len(self.seen) - 1),
            last_pixel.eq(pixel == self.pixel_count - 1),
            counts.eq(1 if self.radix else step >= self.delay),
            slab.bits.eq(Mux(counts, self.words.payload & seen, 0)),
            slab.group.eq(group),
            slab.new_plane.eq(new_plane),
            slab.last.eq(ends),
            slab.image_last.eq(last_step & last_group & last_pixel),
            self.slabs.valid.eq(self.words.valid),
            self.words.ready.eq(self.slabs.ready),
        ]
        with m.If(moves):
            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
            with m.If(last_step):
                m.d.sync += group.eq(Mux(last_group, 0, group + 1))
                with m.If(last_group):
                    m.d.sync += pixel.eq(Mux(last_pixel, 0, pixel + 1))
        return m
