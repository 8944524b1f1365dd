"""What a program is expected to take: cycles of each pass, by what bounds it, and memory."""

from __future__ import annotations

from dataclasses import dataclass

from ..design import WORD_BITS
from .compile import Compilation
from .costs import PassCost, weight_waits
from .passes.drafts import Draft

#: Of a limit from which on a plan names it.
CLOSE = 0.75


@dataclass(frozen=True)
class PassPlan:
    """A pass.

    Attributes:
        layer: its name.
        first, end: channels of the layer.
        groups: of channels.
        strip: windows whose events are replayed together.
        cost: cycles by what bounds them.
        waits: cycles until its weights are there, after the pass before it.
        utilisation: of its adders' lanes, of the events that they may take in all its cycles.
        additions: cycles of its channels' additions, were all adders always at work.
    """

    layer: str
    first: int
    end: int
    groups: int
    strip: int
    cost: PassCost
    waits: float
    utilisation: float
    additions: float

    @property
    def cycles(self) -> float:
        """From the end of the pass before it to its own."""
        return self.cost.after(self.waits)

    @property
    def least(self) -> float:
        """Cycles below which it cannot be: of its additions, or of its maps' and tables' words."""
        return max(self.additions, self.cost.memory + self.cost.tables)

    @property
    def least_with_weights(self) -> float:
        """The same where it moves its own weights."""
        return max(self.additions, self.cost.words)

    @property
    def bound(self) -> str:
        """What takes longest."""
        parts = {
            name: getattr(self.cost, name) for name in ("adders", "memory", "window", "neurons")
        }
        parts["memory"] += self.cost.commands + self.waits + self.cost.tables
        return max(parts, key=lambda name: parts[name])


@dataclass(frozen=True)
class Plan:
    """A program.

    Attributes:
        passes: one after another.
        memory_bytes: that the engine uses.
        image_bytes: that a host sends of an image.
        close: limits of the engine of which a pass takes much: the name, what is taken, the limit.
    """

    passes: tuple[PassPlan, ...]
    memory_bytes: int
    image_bytes: int
    close: tuple[tuple[str, int, int], ...]

    @property
    def cycles(self) -> float:
        """Of an image."""
        return sum(one.cycles for one in self.passes)

    @property
    def least(self) -> float:
        """Cycles that an image takes at least.

        Of all passes one after another, or of all words: weights may be moved in any pass.
        """
        words = sum(one.cost.words for one in self.passes)
        return max(words, sum(one.least for one in self.passes))

    @property
    def least_pass_by_pass(self) -> float:
        """The same where each pass moves its own weights (docs/engine.md)."""
        return sum(one.least_with_weights for one in self.passes)

    @property
    def moved_bytes(self) -> int:
        """Bytes that an image moves in memory."""
        return sum(one.cost.memory_words for one in self.passes) * WORD_BITS // 8


def plan_program(compilation: Compilation) -> Plan:
    """What ``compilation`` is expected to take."""
    waits = weight_waits(compilation.drafts, compilation.costs)
    passes = []
    for draft, cost, wait in zip(compilation.drafts, compilation.costs, waits, strict=True):
        lanes = draft.design.lanes
        channels = draft.block.end - draft.block.first
        # Of a group that is not full, only its channels' additions have to be done.
        filled = channels / (draft.groups * draft.design.neurons)
        passes.append(
            PassPlan(
                layer=draft.block.name,
                first=draft.block.first,
                end=draft.block.end,
                groups=draft.groups,
                strip=draft.strip,
                cost=cost,
                waits=wait,
                utilisation=cost.accumulations / (cost.after(wait) * lanes),
                additions=cost.accumulations * filled / lanes,
            )
        )
    return Plan(
        passes=tuple(passes),
        memory_bytes=compilation.program.memory_words * WORD_BITS // 8,
        image_bytes=sum(place.words for place in compilation.program.images) * WORD_BITS // 8,
        close=tuple(
            (name, taken, limit)
            for name, (taken, limit) in _taken(compilation.drafts).items()
            if taken >= CLOSE * limit
        ),
    )


def _taken(drafts: tuple[Draft, ...]) -> dict[str, tuple[int, int]]:
    """The most that a pass takes of each of the engine's limits, and the limit."""
    design = drafts[0].design

    def most(name: str) -> int:
        return max(draft.records[name] for draft in drafts)

    return {
        "weight_words": (max(draft.weight_words for draft in drafts), design.weight_words),
        "buffer_words": (
            max(
                sum(source.fewest_slots * source.slot_words for source in draft.sources)
                for draft in drafts
            ),
            design.buffer_words,
        ),
        "pool_words": (max(draft.pool_ring_words for draft in drafts), design.pool_words),
        "sources": (most("sources"), design.sources),
        "segments": (most("segments"), design.segments),
        "rows": (most("row_entries"), design.rows),
        "operations": (most("operations"), design.operations),
        "sum_bits": (max(draft.sum_bits for draft in drafts), design.sum_bits),
    }
