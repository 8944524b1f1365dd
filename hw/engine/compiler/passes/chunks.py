"""Which events of a window are summed up together, so that lists and sums hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .....golden.errors import RheobaseError
from .....golden.network.bounds import Interval
from ...design import DIGIT_BITS, EngineDesign
from .operations import Phases


@dataclass(frozen=True, eq=False)
class Part:
    """Some of what a window sees over a reading: a segment of a chunk.

    Attributes:
        reading: number of the reading in its pass.
        level: digit of the weights, 0 the lowest.
        rows: numbers of the rows of its ``Taps``.
        phases: operations.
        planes: bits of each digit that count.
        flat: each of them counts once: they are a step of a train.
    """

    reading: int
    level: int
    rows: tuple[int, ...]
    phases: Phases
    planes: int = (1 << DIGIT_BITS) - 1
    flat: bool = False

    @cached_property
    def events(self) -> np.ndarray:
        """Most events of each lane, in any window."""
        each = [np.sum([one.events for one in phase], axis=0) for phase in self.phases]
        return len(self.rows) * np.max(each, axis=0)

    def halves(self) -> tuple[Part, Part] | None:
        """Two parts that see together what this one does; None where it sees but a word."""
        if len(self.rows) > 1:
            middle = len(self.rows) // 2
            return replace(self, rows=self.rows[:middle]), replace(self, rows=self.rows[middle:])
        if min(map(len, self.phases)) < 2:
            return None
        first = tuple(phase[: len(phase) // 2] for phase in self.phases)
        second = tuple(phase[len(phase) // 2 :] for phase in self.phases)
        return replace(self, phases=first), replace(self, phases=second)


@dataclass(frozen=True, eq=False)
class Sums:
    """Least and greatest sums of lanes: int64, (lanes, channels)."""

    least: np.ndarray
    greatest: np.ndarray

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.least + other.least, self.greatest + other.greatest)

    @property
    def interval(self) -> Interval:
        return Interval.of(0, self.least, self.greatest)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Parts whose events are summed up together.

    Attributes:
        upper_in_odd_lanes: what odd lanes see are upper digits of bytes.
        level: of the weights' digits.
        step: time step that neurons fire in after it; None where they do not.
    """

    parts: tuple[Part, ...]
    upper_in_odd_lanes: bool
    level: int
    step: int | None = None

    @property
    def events(self) -> np.ndarray:
        """Most events of each lane, in any window."""
        return np.sum([part.events for part in self.parts], axis=0)


@dataclass(frozen=True)
class ChunkLimits:
    """What a chunk may have.

    Attributes:
        events: of a lane; None where there is no limit.
        sums: least and greatest sums of a part; None where they are not yet known.
    """

    design: EngineDesign
    events: int | None
    sums: Callable[[Part], Sums] | None


def chunks(where: str, parts: list[tuple[Part, bool]], limits: ChunkLimits) -> tuple[Chunk, ...]:
    """Chunks of ``parts`` (and whether each sees bytes), the upper digits of weights first.

    Raises:
        RheobaseError: a word of the row buffer is more than a chunk may have.
    """
    result: list[Chunk] = []
    for level in sorted({part.level for part, _ in parts}, reverse=True):
        for is_bytes in (False, True):
            chosen = [part for part, b in parts if part.level == level and b == is_bytes]
            result += [
                Chunk(tuple(packed), is_bytes, level) for packed in _packed(where, chosen, limits)
            ]
    return tuple(result)


def _packed(where: str, parts: list[Part], limits: ChunkLimits) -> Iterator[list[Part]]:
    """``parts``, halved where one is too much, as few lists as they fit in one after another."""
    waiting = parts[::-1]
    open_parts: list[Part] = []
    events: np.ndarray | int = 0
    sums: Sums | None = None
    while waiting:
        part = waiting.pop()
        with_events = events + part.events
        with_sums = None
        if limits.sums is not None:
            with_sums = limits.sums(part) if sums is None else sums + limits.sums(part)
        if not (problem := _problem(with_events, with_sums, limits)):
            open_parts.append(part)
            events, sums = with_events, with_sums
            continue
        if open_parts:
            yield open_parts
            open_parts, events, sums = [], 0, None
            waiting.append(part)
            continue
        halves = part.halves()
        if halves is None:
            raise RheobaseError(f"{where}: {problem}")
        waiting += halves[::-1]
    if open_parts:
        yield open_parts


def _problem(events: np.ndarray, sums: Sums | None, limits: ChunkLimits) -> str:
    """What a chunk with so much has too much of; "" where it fits."""
    if limits.events is not None and events.max() > limits.events:
        return (
            f"a word of the row buffer has {events.max()} events in a lane, must be at most "
            f"{limits.events}, half of list_entries"
        )
    if sums is not None and sums.interval.bits > limits.design.sum_bits:
        return (
            f"sums of a lane reach {sums.interval.magnitude}, must fit sum_bits, "
            f"{limits.design.sum_bits}"
        )
    return ""
