"""What a program takes of an engine, as it is printed."""

from __future__ import annotations

from ..console import OUT
from ..hw.engine.compiler.plan import PassPlan, Plan
from ..hw.engine.design import EngineDesign
from ..tables import table

_COLUMNS = (
    "layer",
    "channels",
    "groups",
    "strip",
    "cycles",
    "adders",
    "maps",
    "window",
    "neurons",
    "waits",
    "bound by",
    "adders in use",
)


def show_engine_plan(plan: Plan, design: EngineDesign, clock: float) -> None:
    """Print ``plan`` pass by pass, and images per second at ``clock`` MHz."""
    OUT.print(table("Cycles of each pass", _COLUMNS, [_row(one) for one in plan.passes]))
    for line in (
        f"{len(plan.passes)} passes on {design.neurons} x {design.lanes} adders, "
        f"{plan.cycles:,.0f} cycles an image: {clock * 1e6 / plan.cycles:.1f} images/s at "
        f"{clock:g} MHz",
        f"memory: {plan.memory_bytes / 2**20:.2f} MiB, of which an image moves "
        f"{plan.moved_bytes / 2**20:.2f} MiB",
        *(f"close to a limit: {name} is {taken} of {limit}" for name, taken, limit in plan.close),
    ):
        OUT.print(line, highlight=False, soft_wrap=True)


def _row(one: PassPlan) -> list[object]:
    cost = one.cost
    cycles = (one.cycles, cost.adders, cost.memory, cost.window, cost.neurons, one.waits)
    return [
        one.layer,
        f"{one.first} to {one.end - 1}",
        one.groups,
        one.strip,
        *(f"{number:.0f}" for number in cycles),
        one.bound,
        f"{one.utilisation:.0%}",
    ]
