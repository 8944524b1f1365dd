"""A queue that says in time that it fills up."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .credit_queue import queue_with_room


class RoomQueue(wiring.Component):
    """Takes what comes until its producer hears that there is no more room.

    Where not everything that enters a pipeline leaves it, places cannot be kept as ``CreditQueue``
    does: ``room`` falls while there are places for all that may be on its way.

    Args:
        shape: of an element.
        depth: places.
        on_the_way: elements that may still come once places are counted to be too few; registers
            of the pipeline in front, and that of ``room``.

    Members:
        valid, payload: in; an element.
        room: out; see above, a register.
        output: out, stream.
    """

    valid: Signal
    room: Signal
    output: stream.Interface

    def __init__(self, shape: ShapeLike, depth: int, *, on_the_way: int):
        self.on_the_way = check_range("RoomQueue", "on_the_way", on_the_way, 0, None)
        self.depth = check_range("RoomQueue", "depth", depth, on_the_way + 1, None)
        self.shape = shape
        super().__init__(
            {
                "valid": In(1),
                "payload": In(shape),
                "room": Out(1),
                "output": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        queue_with_room(m, self, taken=self.valid, kept=self.on_the_way)
        return m
