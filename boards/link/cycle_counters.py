"""Counts the accelerator's cycles: of each image, while busy, and in all."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...hw.basics.checks import check_range
from ...hw.basics.shapes import count_shape
from ...hw.basics.successor import successor
from ..protocol import COUNTER_BYTES, CYCLES_BYTES
from .block_memory import block_memory, block_shape
from .round_event import RoundEvent

#: Cycles of a round, in which every byte of the counters has its two.
ROUND = 64
_PLACES = ROUND // 2
#: Most images inside, each with a counter of its own.
MOST_IMAGES = 3
_IMAGES, _LAST, _BUSY, _TOTAL = (
    MOST_IMAGES * CYCLES_BYTES + sum(COUNTER_BYTES[:index]) for index in range(4)
)
assert sum(COUNTER_BYTES) + _IMAGES == _PLACES
#: Addresses of the memory: the counters as they were when ``snapshot`` was answered, in the order
#: of the reply, and behind them the constants, which end where the memory does.
SNAPSHOT = _PLACES + _IMAGES
CONSTANTS = 2 * _PLACES
DEPTH = 2 * CONSTANTS
COUNTER_MEMORY = block_shape(DEPTH, 8)


def image_cycles(image: int) -> int:
    """Address of the cycles of an image, lowest byte first; ``image`` modulo ``images``."""
    return image * CYCLES_BYTES


class CycleCounters(wiring.Component):
    """The counters are bytes of a memory, and one adder goes round through all of them.

    What happens in a round is added in the next one: 64 cycles to the counter of each image
    inside and to that of all cycles, the busy ones of the round to that of the busy cycles. A
    start or an end takes part of the round off. All of a snapshot's values are those of the
    moment at which a round began.

    Args:
        images: most images inside at a time, at least 2.
        constants: bytes that the memory has besides, for who reads it.

    Members:
        started: in; an image is offered to the accelerator in this cycle; only with ``may_start``.
        finished: in; its last result has come; only with ``may_finish``.
        may_start, may_finish: out; not within some 130 cycles after the one before.
        settled: out; the cycles of all finished images can be read.
        address, data: reads the memory; ``data`` follows within three cycles.
        snapshot: in; asks for a snapshot; stays up until ``snapped``, at most three rounds.
        snapped: out; the snapshot is there.
        occupied: out; an image is inside.
    """

    started: Signal
    finished: Signal
    may_start: Signal
    may_finish: Signal
    settled: Signal
    address: Signal
    data: Signal
    snapshot: Signal
    snapped: Signal
    occupied: Signal

    def __init__(self, images: int, constants: bytes):
        self.images_inside = check_range("CycleCounters", "images", images, 2, MOST_IMAGES)
        check_range("CycleCounters", "constants (bytes)", len(constants), 0, DEPTH - CONSTANTS)
        self.constants = constants
        super().__init__(
            {
                "started": In(1),
                "finished": In(1),
                "may_start": Out(1),
                "may_finish": Out(1),
                "settled": Out(1),
                "address": In(range(DEPTH)),
                "data": Out(8),
                "snapshot": In(1),
                "snapped": Out(1),
                "occupied": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # The adder reads what it writes one turn later; from outside, what is settled is read.
        m.submodules.memory = memory = block_memory(
            COUNTER_MEMORY, bytes(DEPTH - len(self.constants)) + self.constants
        )
        read, write = memory.read_port(), memory.write_port()
        turn = self._turn(m)
        clear, operand = self._operand(m, read, turn)
        events = self._events(m, turn)
        with m.If(turn.boundary):
            m.d.sync += [clear.eq(0), events.snapping.eq(self.snapshot & ~events.snapping)]
        busy_cycles = self._busy_cycles(m, turn.boundary)
        owner = self._owner(m, turn, events)
        sum_ = self._sum(m, turn, events, owner, clear, operand, busy_cycles)
        self._store(m, write, turn, events, owner, sum_)
        return m

    def _turn(self, m: Module) -> _Turn:
        """Goes round through the bytes, two cycles for each."""
        phase = Signal()
        place = Signal(range(_PLACES))
        following = Signal(range(_PLACES), init=1)
        boundary = Signal()
        m.d.sync += phase.eq(~phase)
        with m.If(phase):
            m.d.sync += [place.eq(following), following.eq(successor(following, _PLACES))]
        m.d.comb += boundary.eq(phase & place.all())
        return _Turn(phase, place, following, boundary)

    def _operand(self, m: Module, read, turn: _Turn) -> tuple[Signal, Signal]:
        """Whether counters are cleared, and the byte that is added to."""
        # The memory is not reset with the rest: the first round clears the counters.
        clear = Signal(init=1)
        operand = Signal(8)
        m.d.comb += read.addr.eq(Mux(turn.phase, self.address, turn.following))
        with m.If(turn.phase):
            m.d.sync += operand.eq(read.data)
        with m.Else():
            m.d.sync += self.data.eq(read.data)
        with m.If(clear):
            m.d.sync += operand.eq(0)
        return clear, operand

    def _events(self, m: Module, turn: _Turn) -> _Events:
        """Starts and ends of images, and snapshots, each put off to the next round."""
        m.submodules.start = start = RoundEvent(self.images_inside, ROUND)
        m.submodules.finish = finish = RoundEvent(self.images_inside, ROUND)
        # A cycle later, so that an image's first and its last cycle both count.
        m.d.sync += finish.happens.eq(self.finished)
        settled = ~(finish.pending | finish.happens)
        m.d.comb += [
            start.happens.eq(self.started),
            self.may_start.eq(~start.pending),
            self.may_finish.eq(settled),
            self.settled.eq(settled),
        ]
        for event in (start, finish):
            m.d.comb += [
                event.now.eq(Cat(turn.phase, turn.place)),
                event.boundary.eq(turn.boundary),
            ]
        snapping = Signal()
        m.d.comb += self.snapped.eq(turn.boundary & snapping)
        return _Events(start, finish, snapping)

    def _owner(self, m: Module, turn: _Turn, events: _Events) -> _Owner:
        """Whose counter is at the adder, if it is an image's, and whether it is running."""
        of_image = Signal()
        image = turn.place[CYCLES_BYTES.bit_length() - 1 :][: len(events.start.image)]
        running = Signal(1 << len(events.start.image))
        starts, ends = Signal(), Signal()
        m.d.comb += [
            of_image.eq(turn.place < _IMAGES),
            starts.eq(of_image & events.start.active & (image == events.start.image)),
            ends.eq(of_image & events.finish.active & (image == events.finish.image)),
        ]
        with m.If(turn.boundary & events.start.active):
            m.d.sync += running.bit_select(events.start.image, 1).eq(1)
        with m.If(turn.boundary & events.finish.active):
            m.d.sync += running.bit_select(events.finish.image, 1).eq(0)
        return _Owner(of_image, image, running, starts, ends)

    def _sum(
        self,
        m: Module,
        turn: _Turn,
        events: _Events,
        owner: _Owner,
        clear: Signal,
        operand: Signal,
        busy_cycles: Signal,
    ) -> Signal:
        """The byte at the adder and what is added to it, with its carry."""
        # The counter of an image begins at minus the cycles of the round before it.
        lowest = Signal()
        old = Signal(8)
        m.d.comb += old.eq(operand)
        with m.If(owner.starts):
            m.d.comb += old.eq(Mux(lowest, ~Cat(events.start.offset, Const(0, 2)), 0xFF))
        added = Signal(range(ROUND + 1))
        carry, carry_in = Signal(), Signal()
        m.d.comb += carry_in.eq(carry)
        with m.Switch(turn.place):
            for first in (*range(0, _IMAGES, CYCLES_BYTES), _IMAGES, _LAST, _BUSY, _TOTAL):
                with m.Case(first):
                    m.d.comb += [lowest.eq(1), carry_in.eq(owner.starts)]
        with m.If(lowest & ~clear):
            with m.If(owner.ends):
                m.d.comb += added.eq(events.finish.offset)
            with m.Elif(owner.of_image):
                runs = owner.starts | owner.running.bit_select(owner.image, 1)
                m.d.comb += added.eq(Mux(runs, ROUND, 0))
            with m.Elif(turn.place == _IMAGES):
                m.d.comb += carry_in.eq(events.finish.active)
            with m.Elif(turn.place == _BUSY):
                m.d.comb += added.eq(busy_cycles)
            with m.Elif(turn.place == _TOTAL):
                m.d.comb += added.eq(ROUND)
        sum_ = Signal(9)
        m.d.comb += sum_.eq(old + added + carry_in)
        with m.If(turn.phase):
            m.d.sync += carry.eq(sum_[8])
        return sum_

    def _store(
        self, m: Module, write, turn: _Turn, events: _Events, owner: _Owner, sum_: Signal
    ) -> None:
        """The sum into the memory."""
        # First to where it is from, then to where it is wanted besides.
        m.d.comb += [
            write.data.eq(sum_),
            write.addr.eq(turn.place),
            write.en.eq(~turn.phase | owner.ends | events.snapping),
        ]
        with m.If(turn.phase):
            m.d.comb += write.addr.eq(turn.place | _PLACES)
            with m.If(owner.ends):
                m.d.comb += write.addr.eq(Cat(turn.place[:2], Const(_LAST >> 2)))

    def _busy_cycles(self, m: Module, boundary: Signal) -> Signal:
        """Cycles of the round before in which an image was inside."""
        inside = Signal(count_shape(self.images_inside))
        counted = Signal(range(ROUND))
        result = Signal(range(ROUND + 1))
        m.d.comb += self.occupied.eq(self.started | (inside != 0))
        with m.If(self.started ^ self.finished):
            m.d.sync += inside.eq(Mux(self.started, inside + 1, inside - 1))
        m.d.sync += counted.eq(counted + self.occupied)
        with m.If(boundary):
            m.d.sync += [result.eq(counted + self.occupied), counted.eq(0)]
        return result


class _Turn(NamedTuple):
    """Which byte has its turn.

    Attributes:
        phase: the second of its two cycles.
        place, following: the byte that is added to and written now, and the one after it.
        boundary: a round ends.
    """

    phase: Signal
    place: Signal
    following: Signal
    boundary: Signal


class _Events(NamedTuple):
    """The start and the end of an image, and whether this round is a snapshot's."""

    start: RoundEvent
    finish: RoundEvent
    snapping: Signal


class _Owner(NamedTuple):
    """Whose byte is at the adder.

    Attributes:
        of_image, image: an image's, and which one's.
        running: images whose counters run, a bit for each.
        starts, ends: its image does, in this round.
    """

    of_image: Signal
    image: Value
    running: Signal
    starts: Signal
    ends: Signal
