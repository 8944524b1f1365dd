"""A queue behind a pipeline that never stalls."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .queue import Queue
from .shapes import count_shape


class CreditQueue(wiring.Component):
    """Keeps a place for each element that entered the pipeline in front of it.

    Registers of that pipeline need no enable, and no path leads through it from the consumer to the
    producer. ``room`` is a register: it tells of ``elements`` places besides that of an element
    that enters in the cycle before.

    Args:
        shape: of an element.
        depth: places.
        elements: that the producer lets in once it has seen ``room``.

    Members:
        enters: in; an element enters the pipeline.
        room: out; see above.
        valid, payload: in; an element leaves the pipeline.
        output: out, stream.
    """

    enters: Signal
    room: Signal
    valid: Signal
    output: stream.Interface

    def __init__(self, shape: ShapeLike, depth: int, *, elements: int = 1):
        self.elements = check_range("CreditQueue", "elements", elements, 1, None)
        self.depth = check_range("CreditQueue", "depth", depth, elements + 1, None)
        self.shape = shape
        super().__init__(
            {
                "enters": In(1),
                "room": Out(1),
                "valid": In(1),
                "payload": In(shape),
                "output": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        queue_with_room(m, self, taken=self.enters, kept=self.elements)
        return m


def credit_depth(stages: int, elements: int = 1) -> int:
    """Places with which a pipeline of ``stages`` registers takes an element in each cycle.

    Besides those in the pipeline: one in the queue, one that has left, one whose place is counted,
    one of which ``room`` tells, and those that it keeps back.
    """
    return stages + 3 + elements


def queue_with_room(m: Module, component, *, taken: Signal, kept: int) -> None:
    """The queue of ``component``, and its ``room``: more than ``kept`` places are free.

    Args:
        component: with ``shape``, ``depth``, ``valid``, ``payload``, ``room`` and ``output``.
        taken: a place is taken.
    """
    m.submodules.queue = queue = Queue(component.shape, component.depth)
    wiring.connect(m, queue.output, wiring.flipped(component.output))
    free = Signal(count_shape(component.depth), init=component.depth)
    # What the consumer decides comes late: its places count a cycle after they are free.
    left = Signal()
    m.d.comb += [
        queue.input.valid.eq(component.valid),
        queue.input.payload.eq(component.payload),
    ]
    m.d.sync += [
        left.eq(component.output.valid & component.output.ready),
        free.eq(free + left - taken),
        component.room.eq(free > kept),
    ]
