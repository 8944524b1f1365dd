"""Units into a lane's ``SumQueue``, and its turns, as streams, for tests."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring

from rheobase.hw.basics.credit_queue import CreditQueue, credit_depth
from rheobase.hw.basics.shapes import count_shape


def give_units(m: Module, units: stream.Interface, queue) -> None:
    """Give ``queue`` the P sums of each unit where it has room."""
    m.d.comb += [
        units.ready.eq(queue.room),
        queue.valid.eq(units.valid & queue.room),
        queue.complete.eq(units.payload),
    ]


def take_turns(m: Module, lane, output: stream.Interface, *, most: int) -> None:
    """Give the F sums of ``lane`` to ``output``, as ``TurnJoin`` would.

    Args:
        lane: with ``entered``, ``leaves`` and ``sums``.
        most: turns that wait in the lane.
    """
    m.submodules.given = given = CreditQueue(output.payload.shape(), credit_depth(1))
    count = Signal(count_shape(most))
    goes = Signal()
    m.d.comb += [
        goes.eq((count != 0) & given.room),
        given.enters.eq(goes),
        given.valid.eq(lane.leaves),
        given.payload.eq(lane.sums),
    ]
    m.d.sync += [count.eq(count + lane.entered - goes), lane.leaves.eq(goes)]
    wiring.connect(m, given.output, output)
