"""What a pass takes, by what bounds it: adders, scanning, the memory or neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....golden.basics.arithmetic import ceil_div
from ..design import WORD_DIGITS
from .densities import Density
from .drafts import Draft
from .stored_maps import StoredMap, turn_words

#: Cycles in which a pass begins and ends and nothing else happens.
PASS_CYCLES = 200


@dataclass(frozen=True)
class PassCost:
    """Cycles of a pass if nothing else bounded it.

    Attributes:
        adders: events of the lane that has most, for each group.
        window: words of the row buffer that windows see.
        memory: words of maps and of weights that are moved, times cycles of a word.
        neurons: turns.
        memory_words, weight_memory_words: moved; of maps, and of the pass's weights.
        accumulations: events of all lanes, for each group.
    """

    adders: float
    window: float
    memory: float
    neurons: float
    memory_words: int
    weight_memory_words: int
    accumulations: float

    @property
    def cycles(self) -> float:
        return max(self.adders, self.window, self.memory, self.neurons) + PASS_CYCLES

    @property
    def bound(self) -> str:
        """What takes longest."""
        parts = ("adders", "memory", "window", "neurons")
        return max(parts, key=lambda part: getattr(self, part))


def pass_cost(draft: Draft, target: StoredMap, density: Density, word_cycles: float) -> PassCost:
    """Of ``draft``, which writes to ``target``; the memory moves a word in ``word_cycles``."""
    design, positions = draft.design, draft.positions
    windows = positions.rows * positions.columns
    events = np.zeros(design.lanes)
    words = 0.0
    for number, seen in enumerate(draft.seen):
        share = density(draft.sources[seen.source].source)
        for chunk in draft.chunks:
            for part in (part for part in chunk.parts if part.reading == number):
                phases = len(part.phases)
                events += (
                    share
                    * len(part.rows)
                    / phases
                    * sum(operation.events for phase in part.phases for operation in phase)
                )
                words += len(part.rows) * sum(map(len, part.phases)) / phases + 1
    read = sum(
        source.read_words * min(source.source.rows, positions.rows * max(source.row_step, 1))
        for source in draft.sources
    )
    pooled = positions.row_pool.windows * positions.column_pool.windows
    turns = ceil_div(draft.block.end - draft.block.first, WORD_DIGITS)
    moved = read + pooled * turns * turn_words(target.kind)
    weights = draft.weight_words * design.lanes * design.weight_memory_words
    return PassCost(
        adders=windows * draft.groups * float(events.max()),
        window=windows * words,
        memory=(moved + weights) * word_cycles,
        neurons=windows * draft.groups * design.turns,
        memory_words=moved,
        weight_memory_words=weights,
        accumulations=windows * draft.groups * float(events.sum()),
    )
