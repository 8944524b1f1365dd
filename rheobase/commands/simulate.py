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
    from ..building.design import Design
    from ..golden.network.network import Network
    from ..hw.design.folding import Folding
    from ..sim.comparison import Comparison
    from ..sim.harness_process import BuiltSimulation
    from ..sim.waves.wave_format import WaveFormat

_PANEL = "Simulation"
Verilog = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_PANEL,
        help="Simulate this: the folder of a build, or the file that `generate` wrote, with the "
        "folding of its manifest.",
    ),
]


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
    verilog: Verilog = None,
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
    images_from: Annotated[
        int,
        typer.Option(min=0, rich_help_panel=_PANEL, help="Leave out so many images before."),
    ] = 0,
    waves: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="Write all signals over one image to this .fst or .vcd file: the image that "
            "differs, else the first.",
        ),
    ] = None,
    board: Board = None,
    engine: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="Simulate the program that `compile` makes for this engine, with its memory; an "
            "engine's name, or a JSON file with its parameters.",
        ),
    ] = None,
) -> None:
    """Run a network's Verilog in Verilator and compare it with the golden model.

    It is what `generate` writes with the same options, or the Verilog that --verilog names; or the
    engine that --engine names, which is built once for all networks. Exits with status 1 where
    anything differs.
    """
    from ..console import OUT, progress_bar, working
    from ..converter.data.data import classes_problem, with_hollow_classes
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network
    from ..golden.run.answers import class_answers, is_per_class
    from ..golden.run.run import check_setting
    from ..sim.batch import sooner_build
    from ..sim.comparison import simulate as run_both
    from ..sim.harness_process import SimulationError
    from ..sim.waves.wave_format import wave_format
    from ..sim.waves.waves import record_waves

    if waves is not None:
        check_writable(waves)
    wanted = waves and wave_format(waves)
    found = load_network(network)
    check_setting(found, steps, delay)
    shown = reading.load(images, shape=found.input_shape, limit=None if images_from else count)
    shown = shown.after(images_from).first(count)
    if not len(shown.images):
        raise RheobaseError(f"--images-from: {images_from}, there are no images behind it")
    if engine is not None:
        options = {"--verilog": verilog, "--waves": waves, "--steps": steps, "--delay": delay}
        given = [name for name, value in options.items() if value is not None]
        if given or folding != FoldingOptions() or board is not None:
            raise RheobaseError(
                f"--engine: must be without {' and '.join(given) or 'a board or a folding'}"
            )
        from ..building.engine_comparison import show_engine_comparison

        if not show_engine_comparison(found, engine, shown, stall=stall, seed=seed):
            raise typer.Exit(DIFFERS)
        return
    design = simulated_design(found, verilog, folding, reading, board)
    settings = {"steps": steps, "delay": delay, "gap": gap, "stall": stall, "seed": seed}

    def write_waves(image: int) -> None:
        if waves is not None:
            # One that writes waveforms runs a few images: there building is what takes time.
            built = built_simulation(found, design, "fast-build", wanted)
            with working("writing waveforms"):
                record_waves(built, shown.images, waves, first=image, **settings)
            OUT.print(
                f"wrote {waves}: image {images_from + image}, 10 ns a cycle",
                highlight=False,
                soft_wrap=True,
            )

    built = built_simulation(found, design, sooner_build(found, design.folding, len(shown.images)))
    try:
        with progress_bar("simulating", len(shown.images)) as progress:
            comparison = run_both(
                built, shown.images, record_images=record, progress=progress, **settings
            )
    except SimulationError as error:
        write_waves(error.image or 0)
        raise
    print_comparison(comparison, design.folding)
    write_waves(comparison.first_image or 0)
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


def simulated_design(
    network: Network,
    verilog: Path | None,
    folding: FoldingOptions,
    reading: ImageOptions,
    board: str | None,
) -> Design:
    """The Verilog that is named, or what ``generate`` writes."""
    from ..building.design import Design, read_design
    from ..building.shown_plan import shown_plan
    from ..console import OUT

    if verilog is None:
        return Design(shown_plan(network, folding, reading, board).folding)
    if folding != FoldingOptions() or board is not None:
        raise RheobaseError("--verilog: must be without options that choose a folding")
    found = read_design(verilog, network)
    OUT.print(f"simulating {found.path}", highlight=False, soft_wrap=True)
    return found


def built_simulation(
    network: Network, design: Design, optimise: str, waves: WaveFormat | None = None
) -> BuiltSimulation:
    """The simulation of ``design``, built with a spinner."""
    from ..building.design import simulation_of
    from ..console import working

    with working("building the simulation"):
        return simulation_of(network, design, optimise=optimise, waves=waves)


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
