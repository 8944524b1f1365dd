"""What a program takes of an engine, as it is printed."""

from __future__ import annotations

from pathlib import Path

from ..console import say, show
from ..hw.engine.compiler.plan import PassPlan, Plan
from ..hw.engine.design import EngineDesign
from ..results.hardware import Compiled, CompiledPass, NearLimit
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
    show(table("Cycles of each pass", _COLUMNS, [_row(one) for one in plan.passes]))
    for line in (
        f"{len(plan.passes)} passes on {design.neurons} x {design.lanes} adders, "
        f"{plan.cycles:,.0f} cycles an image: {clock * 1e6 / plan.cycles:.1f} images/s at "
        f"{clock:g} MHz",
        f"bound: {plan.least:,.0f} cycles, of the additions on all adders or the words moved; "
        f"{plan.least_pass_by_pass:,.0f} where each pass moves its own weights",
        f"memory: {plan.memory_bytes / 2**20:.2f} MiB, of which an image moves "
        f"{plan.moved_bytes / 2**20:.2f} MiB; {plan.image_bytes / 2**10:.0f} KiB are sent of it",
        *(f"close to a limit: {name} is {taken} of {limit}" for name, taken, limit in plan.close),
    ):
        say(line)


def compiled(plan: Plan, file: Path, engine: str, clock: float) -> Compiled:
    """``plan`` of the program in ``file``, in JSON's types."""
    return Compiled(
        file=str(file),
        engine=engine,
        clock_hz=clock * 1e6,
        cycles=float(plan.cycles),
        least_cycles=float(plan.least),
        least_cycles_pass_by_pass=float(plan.least_pass_by_pass),
        images_per_second=clock * 1e6 / plan.cycles,
        memory_bytes=plan.memory_bytes,
        moved_bytes=float(plan.moved_bytes),
        passes=[
            CompiledPass(
                layer=one.layer,
                channels=(one.first, one.end - 1),
                groups=one.groups,
                strip=one.strip,
                cycles=float(one.cycles),
                adders=float(one.cost.adders),
                maps=float(one.cost.memory),
                window=float(one.cost.window),
                neurons=float(one.cost.neurons),
                waits=float(one.waits),
                bound_by=one.bound,
                adders_in_use=float(one.utilisation),
                least_cycles=float(one.least),
            )
            for one in plan.passes
        ],
        close_to_limits=[NearLimit(name, taken, limit) for name, taken, limit in plan.close],
    )


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
