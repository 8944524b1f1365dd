"""``rheobase simulate``: a network's Verilog in Verilator against the golden model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..boards.builds.built_verilog import read_built_verilog
from ..console import OUT, progress_bar, working
from ..converter.data.data import classes_problem, load_images, with_hollow_classes
from ..golden.answers import class_answers, is_per_class
from ..golden.errors import RheobaseError
from ..golden.file import load_network
from ..golden.network import Network
from ..golden.run import check_setting
from ..hw.design.folding import Folding
from ..sim.batch import BuiltSimulation, build_simulation
from ..sim.comparison import Comparison, simulate
from ..tables import HARDWARE_COLUMNS, hardware_rows, table
from .folding_options import FoldingOptions, planned_folding


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase simulate --help``."""

    network: Path
    images: str
    data_root: Path | None
    download: bool
    limit: int | None
    record: int
    steps: int | None
    delay: int | None
    verilog: Path | None
    folding: FoldingOptions
    gap: int
    stall: int
    seed: int


def run(request: Request) -> bool:
    """Simulate, compare and print; True where nothing differs."""
    network = load_network(request.network)
    check_setting(network, request.steps, request.delay)
    images = load_images(
        request.images,
        data_root=request.data_root,
        download=request.download,
        shape=network.input_shape,
        limit=request.limit,
    ).first(request.limit)
    built = _built(network, request)
    with progress_bar("simulating", len(images.images)) as progress:
        comparison = simulate(
            built,
            images.images,
            record_images=request.record,
            steps=request.steps,
            delay=request.delay,
            progress=progress,
            gap=request.gap,
            stall=request.stall,
            seed=request.seed,
        )
    print_comparison(comparison, built.folding)
    scores = comparison.hardware.scores
    images = with_hollow_classes(images, network.output_shapes[0])
    problem = classes_problem(images, network.output_shapes[0])
    if problem is not None:
        OUT.print(f"right answers are not counted: {problem}", highlight=False, markup=False)
    elif is_per_class(scores.shape[1:]):
        right = 100 * float((class_answers(scores) == images.labels).mean())
        OUT.print(f"right answers of the hardware: {right:.2f} %", highlight=False)
    return comparison.equal


def _built(network: Network, request: Request) -> BuiltSimulation:
    """The simulation of the Verilog that is named, or of what ``generate`` writes."""
    if request.verilog is None:
        folding = planned_folding(network, request.folding)
        with working("building the simulation"):
            return build_simulation(network, folding)
    if request.folding != FoldingOptions(data_root=request.folding.data_root):
        raise RheobaseError("--verilog: accepted is without options that choose a folding")
    found = read_built_verilog(request.verilog, network)
    OUT.print(f"simulating {found.path}", highlight=False, soft_wrap=True)
    with working("building the simulation"):
        return build_simulation(network, found.folding, verilog=found.text, files=found.memories)


def print_comparison(comparison: Comparison, folding: Folding) -> None:
    """The table of layers, cycles, and whether hardware and golden model agree."""
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
