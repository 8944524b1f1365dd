"""The next smaller plan after a build that failed, from by how much that one missed."""

from __future__ import annotations

from dataclasses import replace

from ..boards.builds.failure import BuildError
from ..hw.planning.plan import Plan
from ..options.folding import FoldingOptions
from .folding_plan import HOST_LINK_LUTS, family_of

#: Plans that a build tries, the first one included.
ATTEMPTS = 4
#: Part of the device's logic that the next plan is to come to, and of the plan before, at most.
FILLED, SMALLER = 0.92, 0.9
LOGIC, BLOCKS = "LUT4", "block RAMs"


def smaller_options(
    options: FoldingOptions, plan: Plan, failure: BuildError
) -> FoldingOptions | None:
    """``options`` of a plan smaller than ``plan``; None where a smaller one is no remedy.

    What the tools counted corrects the model: the next plan may take so much less, as predicted,
    as it is to take less in truth. A folding by hand stays what it is, and a tool that failed on a
    device with room left would fail again.
    """
    if not options.searched:
        return None
    luts = plan.area.luts * SMALLER
    logic, blocks = failure.usage.get(LOGIC), failure.usage.get(BLOCKS)
    full = logic is not None and logic.used > FILLED * logic.available
    short = blocks is not None and blocks.used > blocks.available
    if not (failure.too_slow or full or short):
        return None
    if full:
        link = HOST_LINK_LUTS[family_of(options)]
        wanted = FILLED * logic.available - link
        luts = min(luts, plan.area.luts * wanted / max(1, logic.used - link))
    smaller = replace(options, luts=_least(max(1, int(luts)), options.luts))
    if short:
        most = max(1, plan.area.block_rams - (blocks.used - blocks.available))
        bits = most * family_of(options).block_ram_bits
        smaller = replace(smaller, memory_bits=_least(bits, options.memory_bits))
    return smaller


def _least(value: int, limit: int | None) -> int:
    return value if limit is None else min(value, limit)
