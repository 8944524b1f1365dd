"""Queues between the parts of a layer: how deep they are, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass

from .style import Style

#: Words that a lane may be ahead of or behind the others: what a distributed RAM of the common
#: FPGAs holds at least.
WORD_QUEUE_DEPTH = 16
#: The same of a lane that is alone, whose words only cross a register.
WORD_QUEUE_DEPTH_ALONE = 2
#: Sums that a lane may be ahead of the others, where a unit is a whole train of spikes or a window
#: of pixels: a unit that takes long in one lane would hold up all others.
SUM_QUEUE_DEPTH = 16
#: Sums that a direct lane may be ahead of the others. It needs no more: it is the faster one.
DIRECT_SUM_QUEUE_DEPTH = 4
#: Units that may be on their way through the lanes: what a distributed RAM holds at least.
UNIT_QUEUE_DEPTH = 16
#: The same of a lane that runs ahead of no other, whose units take some cycles each. Where there is
#: no distributed RAM, so few are registers and no block.
UNIT_QUEUE_DEPTH_ALONE = 4
#: The same where a lane has no queue of words.
UNIT_QUEUE_DEPTH_UNQUEUED = 2


@dataclass(frozen=True)
class QueueDesign:
    """``depth`` elements; in block RAM with ``blocks``, else in registers or distributed RAM."""

    depth: int
    blocks: bool = False

    @property
    def registers(self) -> bool:
        """Whether its elements are registers, and no memory of any kind."""
        return self.depth <= 2 and not self.blocks


@dataclass(frozen=True)
class LaneQueues:
    """What waits in queues on its way through an event lane; None where nothing does.

    Attributes:
        words: parts of slabs in front of the scanner.
        sums: behind the accumulators.
    """

    words: QueueDesign | None
    sums: QueueDesign | None


def lane_queues(style: Style, *, alone: bool, long_units: bool) -> LaneQueues:
    """The queues of an event lane.

    Args:
        style: of its layer.
        alone: it is the only lane of its layer, which has nothing to run ahead of.
        long_units: a unit is a whole train of spikes or a window of pixels.
    """
    if alone:
        words = QueueDesign(WORD_QUEUE_DEPTH_ALONE) if style.path_registers else None
        return LaneQueues(words, None)
    sums = QueueDesign(SUM_QUEUE_DEPTH, style.ram_queues) if long_units else None
    return LaneQueues(QueueDesign(WORD_QUEUE_DEPTH, style.ram_queues), sums)


def unit_queue(style: Style, *, alone: bool) -> QueueDesign:
    """Of the units on their way through a connection's lanes; ``alone``: through a single one."""
    if not alone:
        return QueueDesign(UNIT_QUEUE_DEPTH, style.ram_queues)
    return QueueDesign(
        UNIT_QUEUE_DEPTH_ALONE if style.path_registers else UNIT_QUEUE_DEPTH_UNQUEUED
    )
