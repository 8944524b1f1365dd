"""``rheobase simulate``: a network's Verilog in Verilator against the golden model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..failures import DIFFERS
from ..golden.errors import RheobaseError
from ..options.files import NetworkFile
from ..options.folding import Board, FoldingOptions
from ..options.images import Count, ImageOptions, Images
from ..options.time_steps import Delay, Steps

if TYPE_CHECKING:
    from ..golden.network import Network
    from ..hw.design.folding import Folding
    from ..sim.batch import BuiltSimulation
    from ..sim.comparison import Comparison

_PANEL = "Simulation"


def simulate(
    network: NetworkFile,
    images: Images,
    reading: ImageOptions,
    folding: FoldingOptions,
    count: Count = None,
    steps: Steps = None,
    delay: Delay = None,
    record: Annotated[
        int,
        typer.Option(
            min=0,
            rich_help_panel=_PANEL,
            help="Images that are compared spike by spike, in every layer.",
        ),
    ] = 100,
    verilog: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="Simulate this: the folder of a build, or the file that `generate` wrote, with "
            "the folding of its manifest.",
        ),
    ] = None,
    gap: Annotated[
        int,
        typer.Option(
            min=0, max=99, rich_help_panel=_PANEL, help="Percentage of cycles without a pixel."
        ),
    ] = 0,
    stall: Annotated[
        int,
        typer.Option(
            min=0,
            max=99,
            rich_help_panel=_PANEL,
            help="Percentage of cycles in which no result is taken.",
        ),
    ] = 0,
    seed: Annotated[
        int, typer.Option(min=0, rich_help_panel=_PANEL, help="Seed of gaps and stalls.")
    ] = 0,
    board: Board = None,
) -> None:
    """Run a network's Verilog in Verilator and compare it with the golden model.

    It is what `generate` writes with the same options, or the Verilog that --verilog names.
    Exits with status 1 where anything differs.
    """
    from ..console import OUT, progress_bar
    from ..converter.data.data import classes_problem, with_hollow_classes
    from ..golden.answers import class_answers, is_per_class
    from ..golden.file import load_network
    from ..golden.run import check_setting
    from ..sim.comparison import simulate as run_both

    found = load_network(network)
    check_setting(found, steps, delay)
    shown = reading.load(images, shape=found.input_shape, limit=count).first(count)
    built = _built(found, verilog, folding, reading, board)
    with progress_bar("simulating", len(shown.images)) as progress:
        comparison = run_both(
            built, shown.images, record_images=record, steps=steps, delay=delay,
            progress=progress, gap=gap, stall=stall, seed=seed,
        )  # fmt: skip
    print_comparison(comparison, built.folding)
    scores = comparison.hardware.scores
    shown = with_hollow_classes(shown, found.output_shapes[0])
    problem = classes_problem(shown, found.output_shapes[0])
    if problem is not None:
        OUT.print(f"right answers are not counted: {problem}", highlight=False, markup=False)
    elif is_per_class(scores.shape[1:]):
        right = 100 * float((class_answers(scores) == shown.labels).mean())
        OUT.print(f"right answers of the hardware: {right:.2f} %", highlight=False)
    if not comparison.equal:
        raise typer.Exit(DIFFERS)


def _built(
    network: Network,
    verilog: Path | None,
    folding: FoldingOptions,
    reading: ImageOptions,
    board: str | None,
) -> BuiltSimulation:
    """The simulation of the Verilog that is named, or of what ``generate`` writes."""
    from ..boards.builds.built_verilog import read_built_verilog
    from ..building.shown_plan import shown_plan
    from ..console import OUT, working
    from ..sim.batch import build_simulation

    if verilog is None:
        plan = shown_plan(network, folding, reading, board)
        with working("building the simulation"):
            return build_simulation(network, plan.folding)
    if folding != FoldingOptions() or board is not None:
        raise RheobaseError("--verilog: accepted is without options that choose a folding")
    found = read_built_verilog(verilog, network)
    OUT.print(f"simulating {found.path}", highlight=False, soft_wrap=True)
    with working("building the simulation"):
        return build_simulation(network, found.folding, verilog=found.text, files=found.memories)


def print_comparison(comparison: Comparison, folding: Folding) -> None:
    """The table of layers, cycles, and whether hardware and golden model agree."""
    from ..console import OUT
    from ..tables import HARDWARE_COLUMNS, hardware_rows, table

    title = f"T = {comparison.golden.steps}, t0 = {comparison.golden.delay}"
    OUT.print(table(title, HARDWARE_COLUMNS, hardware_rows(comparison, folding)))
    hardware = comparison.hardware
    OUT.print(
        f"{hardware.cycles_per_image:.0f} cycles per image in a stream, {hardware.latency} from "
        "the first pixel to the last result of the first image",
        highlight=False,
    )
    if comparison.equal:
        OUT.print(
            f"hardware = golden model: all answers and scores of {comparison.images} images, every "
            f"spike of {comparison.recorded_images}",
            highlight=False,
        )
    else:
        OUT.print(
            f"DIFFERENT: {comparison.answer_mismatches} answers, {comparison.score_mismatches} "
            f"scores, {comparison.spike_mismatches} spikes; first at {comparison.first_mismatch}",
            highlight=False,
        )
