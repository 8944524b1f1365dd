"""Something that happens within a round and is counted in the next one."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...hw.basics.checks import check_range
from ...hw.basics.shapes import index_shape
from ...hw.basics.successor import successor


class RoundEvent(wiring.Component):
    """Remembers when it happened until the round after is over; it must not happen before then.

    Args:
        images: events are numbered modulo this, at least 2.
        cycles: of a round.

    Members:
        happens: in this cycle; only while not ``pending``.
        now: in; cycle of the round.
        boundary: in; the round's last cycle.
        pending: out; it has happened and is not counted yet.
        active: out; it happened in the round before this one.
        offset: in that cycle of its round.
        image: out; its number.
    """

    happens: Signal
    now: Signal
    boundary: Signal
    pending: Signal
    active: Signal
    offset: Signal
    image: Signal

    def __init__(self, images: int, cycles: int):
        self.images = check_range("RoundEvent", "images", images, 2, None)
        super().__init__(
            {
                "happens": In(1),
                "now": In(range(cycles)),
                "boundary": In(1),
                "pending": Out(1),
                "active": Out(1),
                "offset": Out(range(cycles)),
                "image": Out(index_shape(images)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        with m.If(self.happens):
            m.d.sync += [self.pending.eq(1), self.offset.eq(self.now)]
        with m.If(self.boundary):
            m.d.sync += self.active.eq((self.pending | self.happens) & ~self.active)
            with m.If(self.active):
                m.d.sync += [self.pending.eq(0), self.image.eq(successor(self.image, self.images))]
        return m
