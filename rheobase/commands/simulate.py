"""``rheobase simulate``: a network's Verilog in Verilator against the golden model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..golden.errors import RheobaseError
from ..options.cluster import Scheduler
from ..options.files import NetworkFile
from ..options.folding import Board, FoldingOptions
from ..options.images import Count, ImageOptions, Images
from ..options.time_steps import Delay, Steps
from ..results.hardware import Compared, ComparedLayer, EngineSimulated, Planned, Simulated

if TYPE_CHECKING:
    import numpy as np

    from ..building.design import Design
    from ..golden.network.network import Network
    from ..hw.design.folding import Folding
    from ..sim.comparison import Comparison
    from ..sim.harness_process import BuiltSimulation
    from ..sim.waves.wave_format import WaveFormat

_PANEL = "Simulation"
#: Parts of the images for each worker of a cluster.
_SHARES = 4
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
    scheduler: Scheduler = None,
) -> Simulated | EngineSimulated:
    """Run a network's Verilog in Verilator and compare it with the golden model.

    It is what `generate` writes with the same options, or the Verilog that --verilog names; or the
    engine that --engine names, which is built once for all networks. Exits with status 1 where
    anything differs.
    """
    from ..console import note, progress_bar, say, working
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
        options = {
            "--verilog": verilog,
            "--waves": waves,
            "--steps": steps,
            "--delay": delay,
            "--scheduler": scheduler,
        }
        given = [name for name, value in options.items() if value is not None]
        if given or folding != FoldingOptions() or board is not None:
            raise RheobaseError(
                f"--engine: must be without {' and '.join(given) or 'a board or a folding'}"
            )
        from ..building.engine_comparison import compared_engine

        return compared_engine(found, engine, shown, stall=stall, seed=seed)
    design, plan = simulated_design(found, verilog, folding, reading, board)
    settings = {"steps": steps, "delay": delay, "gap": gap, "stall": stall, "seed": seed}

    def write_waves(image: int) -> None:
        if waves is not None:
            # One that writes waveforms runs a few images: there building is what takes time.
            built = built_simulation(found, design, "fast-build", wanted)
            with working("writing waveforms"):
                record_waves(built, shown.images, waves, first=image, **settings)
            say(f"wrote {waves}: image {images_from + image}, 10 ns a cycle")

    try:
        if scheduler is not None:
            comparison = _on_cluster(scheduler, found, design, shown.images, record, settings)
        else:
            optimise = sooner_build(found, design.folding, len(shown.images))
            built = built_simulation(found, design, optimise)
            with progress_bar("simulating", len(shown.images)) as progress:
                comparison = run_both(
                    built, shown.images, record_images=record, progress=progress, **settings
                )
    except SimulationError as error:
        write_waves(error.image or 0)
        raise
    result = compared(comparison, design.folding)
    print_comparison(result)
    write_waves(comparison.first_image or 0)
    scores = comparison.hardware.scores
    shown = with_hollow_classes(shown, found.output_shapes[0])
    problem, right = classes_problem(shown, found.output_shapes[0]), None
    if problem is not None:
        note(f"right answers are not counted: {problem}")
    elif is_per_class(scores.shape[1:]):
        right = 100 * float((class_answers(scores) == shown.labels).mean())
        say(f"right answers of the hardware: {right:.2f} %")
    return Simulated(
        comparison=result,
        right_answers=right,
        plan=plan,
        verilog=None if design.path is None else str(design.path),
        waves=None if waves is None else str(waves),
    )


def _on_cluster(
    scheduler: str,
    network: Network,
    design: Design,
    images: np.ndarray,
    record: int,
    settings: dict[str, Any],
) -> Comparison:
    """As many shares as give each worker a few, so that one that is lost does not cost much."""
    from ..cluster.cluster import connected
    from ..console import progress_bar
    from ..sim.sent_simulation import simulate_sent

    with (
        connected(scheduler, ["amaranth"]) as cluster,
        progress_bar("simulating", len(images)) as progress,
    ):
        return simulate_sent(
            cluster.map,
            network,
            design.folding,
            images,
            verilog=design.verilog,
            files=design.files,
            record_images=record,
            processes=_SHARES * cluster.workers,
            progress=progress,
            **settings,
        )


def simulated_design(
    network: Network,
    verilog: Path | None,
    folding: FoldingOptions,
    reading: ImageOptions,
    board: str | None,
) -> tuple[Design, Planned | None]:
    """The Verilog that is named, or what ``generate`` writes and its plan."""
    from ..building.design import Design, read_design
    from ..building.shown_plan import shown_plan
    from ..console import say

    if verilog is None:
        chosen, plan = shown_plan(network, folding, reading, board)
        return Design(chosen), plan
    if folding != FoldingOptions() or board is not None:
        raise RheobaseError("--verilog: must be without options that choose a folding")
    found = read_design(verilog, network)
    say(f"simulating {found.path}")
    return found, None


def built_simulation(
    network: Network, design: Design, optimise: str, waves: WaveFormat | None = None
) -> BuiltSimulation:
    """The simulation of ``design``, built with a spinner."""
    from ..building.design import simulation_of
    from ..console import working

    with working("building the simulation"):
        return simulation_of(network, design, optimise=optimise, waves=waves)


def compared(comparison: Comparison, folding: Folding) -> Compared:
    """``comparison`` in JSON's types.

    Lane utilisation is accumulations / (cycles x E) in a stream of images (docs/meaning.md), of the
    connection whose lanes are busiest.
    """
    hardware = comparison.hardware
    layers = []
    for layer, fold, totals in zip(comparison.layers, folding, hardware.accumulations, strict=True):
        per_image = [total / comparison.images for total in totals]
        busy = [
            count / lanes / hardware.cycles_per_image
            for count, lanes in zip(per_image, layer.lanes, strict=True)
            if lanes
        ]
        layers.append(
            ComparedLayer(
                name=layer.name,
                kind=fold.lane_kind.value,
                P=fold.neurons,
                E=list(layer.lanes),
                spikes_per_neuron=float(layer.spikes_per_neuron) if layer.spikes else None,
                events_per_image=per_image,
                lane_utilisation=max(busy) if busy else None,
                spikes=layer.spikes or None,
                spikes_that_differ=layer.spike_mismatches if layer.spikes else None,
            )
        )
    return Compared(
        T=comparison.golden.steps,
        t0=comparison.golden.delay,
        images=comparison.images,
        recorded_images=comparison.recorded_images,
        equal=comparison.equal,
        answers_that_differ=comparison.answer_mismatches,
        scores_that_differ=comparison.score_mismatches,
        spikes_that_differ=comparison.spike_mismatches,
        first_difference=comparison.first_mismatch,
        cycles_per_image=float(hardware.cycles_per_image),
        latency=hardware.latency,
        layers=layers,
    )


def print_comparison(found: Compared) -> None:
    """The table of layers, cycles, and whether hardware and golden model agree."""
    from ..console import say, show
    from ..tables import HARDWARE_COLUMNS, hardware_rows, table

    show(table(f"T = {found.T}, t0 = {found.t0}", HARDWARE_COLUMNS, hardware_rows(found)))
    say(
        f"{found.cycles_per_image:.0f} cycles per image in a stream, {found.latency} from "
        "the first pixel to the last result of the first image"
    )
    if found.equal:
        say(
            f"hardware = golden model: all answers and scores of {found.images} images, every "
            f"spike of {found.recorded_images}"
        )
    else:
        say(
            f"DIFFERENT: {found.answers_that_differ} answers, {found.scores_that_differ} "
            f"scores, {found.spikes_that_differ} spikes; first at {found.first_difference}"
        )
