"""An engine in Verilator against the golden model, as it is printed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..console import OUT, progress_bar, working
from ..golden.network.network import Network
from ..golden.run.answers import class_answers, is_per_class
from ..hw.engine.compiler.compile import compile_network
from ..hw.engine.designs import engine_design
from ..sim.engine.comparison import EngineComparison, compare_engine
from ..sim.engine.memory_timing import SDRAM_16
from ..sim.engine.simulation import build_engine
from ..tables import table

if TYPE_CHECKING:
    from ..converter.data.data import ImageSet

#: MHz that images per second are reckoned with.
CLOCK = 65.0


def show_engine_comparison(
    network: Network, engine: str, shown: ImageSet, *, stall: int, seed: int
) -> bool:
    """Compile ``network``, run it over images, print what came of it; whether nothing differs.

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
            timing=replace(SDRAM_16, stall=stall),
            seed=seed,
            progress=progress,
        )
    _show(comparison, len(shown.images))
    scores = comparison.outputs[0].reshape(len(shown.images), -1)
    if shown.labelled and is_per_class(comparison.outputs[0].shape[1:]):
        right = 100 * float(np.mean(class_answers(scores) == shown.labels))
        OUT.print(f"right answers of the engine: {right:.2f} %", highlight=False)
    return comparison.equal


def _show(comparison: EngineComparison, images: int) -> None:
    rows = [(one.name, f"{one.numbers:,}", f"{one.mismatches:,}") for one in comparison.layers]
    OUT.print(table("Maps in the engine's memory", ("layer", "numbers", "differ"), rows))
    cycles = float(comparison.cycles.mean())
    OUT.print(
        f"{cycles:,.0f} cycles per image, {len(comparison.pass_cycles)} passes: "
        f"{CLOCK * 1e6 / cycles:.1f} images/s at {CLOCK:g} MHz, with the image in memory",
        highlight=False,
    )
    if comparison.equal:
        OUT.print(
            f"engine = golden model: every number of every map of {images} images", highlight=False
        )
    else:
        differ = sum(one.mismatches for one in comparison.layers)
        OUT.print(
            f"DIFFERENT: {differ} numbers; first at {comparison.first_mismatch}", highlight=False
        )
