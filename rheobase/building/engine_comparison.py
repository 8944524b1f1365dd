"""An engine in Verilator against the golden model, as it is printed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..console import progress_bar, say, show, working
from ..golden.network.network import Network
from ..golden.run.answers import class_answers, is_per_class
from ..hw.engine.compiler.compile import compile_network
from ..hw.engine.compiler.plan import plan_program
from ..hw.engine.designs import ENGINE_CLOCK_MHZ, engine_design
from ..results.hardware import ComparedMap, EngineSimulated
from ..sim.engine.comparison import compare_engine
from ..sim.engine.memory_timing import SDRAM_32
from ..sim.engine.simulation import build_engine
from ..tables import table

if TYPE_CHECKING:
    from ..converter.data.data import ImageSet


def compared_engine(
    network: Network, engine: str, shown: ImageSet, *, stall: int, seed: int
) -> EngineSimulated:
    """Compile ``network``, run it over images, print what came of it.

    Args:
        engine: see ``engine_design``.
        stall: percentage of cycles in which the memory takes or gives nothing.
    """
    design = engine_design(engine)
    compilation = compile_network(network, design)
    with working("building the engine"):
        executable = build_engine(design)
    with progress_bar("simulating", len(shown.images)) as progress:
        comparison = compare_engine(
            network,
            compilation.program,
            executable,
            shown.images,
            timing=replace(SDRAM_32, stall=stall),
            seed=seed,
            progress=progress,
        )
    scores = comparison.outputs[0].reshape(len(shown.images), -1)
    right = None
    if shown.labelled and is_per_class(comparison.outputs[0].shape[1:]):
        right = 100 * float(np.mean(class_answers(scores) == shown.labels))
    cycles = float(comparison.cycles.mean())
    plan = plan_program(compilation)
    found = EngineSimulated(
        engine=engine,
        images=len(shown.images),
        equal=bool(comparison.equal),
        first_difference=comparison.first_mismatch,
        passes=len(comparison.pass_cycles),
        cycles_per_image=cycles,
        least_cycles=float(plan.least),
        least_cycles_pass_by_pass=float(plan.least_pass_by_pass),
        clock_hz=ENGINE_CLOCK_MHZ * 1e6,
        images_per_second=ENGINE_CLOCK_MHZ * 1e6 / cycles,
        right_answers=right,
        maps=[
            ComparedMap(one.name, int(one.numbers), int(one.mismatches))
            for one in comparison.layers
        ],
    )
    _show(found)
    return found


def _show(found: EngineSimulated) -> None:
    rows = [(one.name, f"{one.numbers:,}", f"{one.differ:,}") for one in found.maps]
    show(table("Maps in the engine's memory", ("layer", "numbers", "differ"), rows))
    say(
        f"{found.cycles_per_image:,.0f} cycles per image, {found.passes} passes, "
        f"{found.cycles_per_image / found.least_cycles:.2f} of the bound, "
        f"{found.cycles_per_image / found.least_cycles_pass_by_pass:.2f} pass by pass: "
        f"{found.images_per_second:.1f} images/s at {ENGINE_CLOCK_MHZ:g} MHz, with the image in "
        "memory"
    )
    if found.equal:
        say(f"engine = golden model: every number of every map of {found.images} images")
    else:
        differ = sum(one.differ for one in found.maps)
        say(f"DIFFERENT: {differ} numbers; first at {found.first_difference}")
    if found.right_answers is not None:
        say(f"right answers of the engine: {found.right_answers:.2f} %")
