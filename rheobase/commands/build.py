"""``rheobase build``: a network file to a board's bitstream, or to plain Verilog."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..boards.builds.placement import SEEDS
from ..boards.platforms.registry import BOARDS, VERILOG_TARGETS, BoardDescription
from ..boards.platforms.registry import board as find_board
from ..boards.protocol import DEFAULT_BAUD
from ..golden.errors import RheobaseError
from ..options.files import NetworkFile
from ..options.folding import Baud, FoldingOptions
from ..options.images import ImageOptions
from ..options.output import TOP, ModuleName
from ..results.hardware import Built, Placed, Planned, Usage

if TYPE_CHECKING:
    from ..boards.builds.bitstream import Build
    from ..building.board_build import PlannedBuild
    from ..golden.network.network import Network

_PANEL = "Place and route"
#: Images of the test bench beside plain Verilog where nothing is asked for.
BENCH_IMAGES = 3


def build(
    network: NetworkFile,
    board: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(BOARDS)}; {' or '.join(VERILOG_TARGETS)} for plain Verilog.",
            autocompletion=lambda: [*BOARDS, *VERILOG_TARGETS],
        ),
    ],
    folding: FoldingOptions,
    reading: ImageOptions,
    bench: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Images of the self-checking test bench beside plain Verilog: the first of "
            f"--plan-images, or random pixels; 0 for no bench (default: {BENCH_IMAGES}).",
        ),
    ] = None,
    name: ModuleName = TOP,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to make (default: build/BOARD).")
    ] = None,
    baud: Baud = DEFAULT_BAUD,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            rich_help_panel=_PANEL,
            help="Seeds of nextpnr, tried until one meets --clock; a far miss ends them.",
        ),
    ] = SEEDS,
    allow_timing_fail: Annotated[
        bool,
        typer.Option(
            "--allow-timing-fail",
            rich_help_panel=_PANEL,
            help="Keep a bitstream that is too slow for --clock.",
        ),
    ] = False,
) -> Built:
    """Build a board's bitstream with yosys and nextpnr, or plain Verilog for another flow.

    Without -P, -E and --adders the folding is the fastest that fits the board; its plan is printed
    first. Where nextpnr finds no room or no speed for it, the next smaller plan is tried.
    """
    from ..building.board_build import Settings, build_planned
    from ..building.shown_plan import plan_images, planned, show_plan
    from ..console import say, timed_steps
    from ..golden.files.file import load_network
    from ..hw.verilog.module_names import check_module_name

    target = None if board in VERILOG_TARGETS else find_board(board, VERILOG_TARGETS)
    options = replace(folding, board=target)
    if target is None and options.clock is not None and options.target_fps is None:
        raise RheobaseError(f"--clock: {board} has no clock of its own")
    if target is not None and bench is not None:
        raise RheobaseError("--bench: must come with --board generic or asic")
    if target is not None and name != TOP:
        raise RheobaseError("--name: must come with --board generic or asic")
    check_module_name(name)
    found = load_network(network)
    folder = output or Path("build") / board
    if target is None:
        return _build_verilog(
            found, board, options, reading, folder, BENCH_IMAGES if bench is None else bench, name
        )
    start = time.monotonic()
    made = build_planned(
        found,
        target,
        folder,
        options,
        plan_images(found, options, reading),
        Settings(baud, seeds, allow_timing_fail),
        planned=lambda plan, asked: show_plan(found, planned(found, plan, asked), asked),
        failed=say,
        steps=lambda: timed_steps("building"),
    )
    print_summary(found, made, target, time.monotonic() - start)
    clock = made.build.manifest["clock"]["made_hz"]
    return Built(
        folder=str(folder),
        board=target.id,
        files=list(made.build.manifest["files"]),
        plan=planned(found, made.plan, replace(options, clock=clock / 1e6)),
        placed=placed_result(made.build, target, made.attempts),
        bench_images=0,
    )


def _build_verilog(
    network: Network,
    target: str,
    options: FoldingOptions,
    reading: ImageOptions,
    folder: Path,
    bench: int,
    name: str,
) -> Built:
    from ..boards.builds.plain_verilog import write_plain_verilog
    from ..boards.builds.verilog_bench import random_pixels
    from ..building.folding_plan import folding_plan
    from ..building.shown_plan import plan_images, planned, show_plan
    from ..console import say, working

    shown = plan_images(network, options, reading)
    with working("planning the folding"):
        plan = folding_plan(network, options, shown)
    described: Planned = planned(network, plan, options)
    show_plan(network, described, options)
    images = (random_pixels(network, bench) if shown is None else shown)[:bench]
    with working(f"writing {target} Verilog"):
        files = write_plain_verilog(
            network, plan.folding, target, folder, images if bench else None, name
        )
    say(f"wrote {len(files)} files to {folder}")
    if bench:
        say(f"{folder}/testbench.v checks itself on {len(images)} images; its first lines say how")
    return Built(
        folder=str(folder),
        board=target,
        files=[str(file) for file in files],
        plan=described,
        placed=None,
        bench_images=len(images) if bench else 0,
    )


def print_summary(
    network: Network, made: PlannedBuild, target: BoardDescription, seconds: float
) -> None:
    """Ten lines at most: speed, share of the device, files."""
    from ..building.folding_plan import HOST_LINK_LUTS
    from ..building.smaller_plan import ATTEMPTS, LOGIC
    from ..console import duration, say

    plan, built = made.plan, made.build
    hertz = built.manifest["clock"]["made_hz"]
    tried = "" if made.attempts == 1 else f", try {made.attempts} of {ATTEMPTS}"
    predicted = {LOGIC: plan.area.luts + HOST_LINK_LUTS[target.family]}
    rows = [
        ("network", f"{network.name}, {network.coding.value} coding, T = {network.steps}"),
        (
            "speed",
            f"{hertz / plan.cycles:,.0f} images/s predicted ({plan.cycles:,.0f} cycles an image)",
        ),
    ]
    for kind, text in placed_rows(built):
        predicted_text = f", {predicted[kind]:,.0f} predicted" if kind in predicted else ""
        rows.append((kind, text + predicted_text))
    accuracy = _accuracy(network)
    if accuracy is not None:
        rows.append(("accuracy", accuracy))
    say(f"{target.title} in {duration(seconds)}{tried}")
    print_rows([*rows, *written_rows(built)])


def placed_rows(built: Build) -> list[tuple[str, str]]:
    """The clock and the cells of what was placed."""
    clock = built.manifest["clock"]
    speed = (
        f"{clock['made_hz'] / 1e6:g} MHz, Fmax {clock['achieved_hz'] / 1e6:.2f} MHz"
        + ("" if clock["meets_timing"] else ": TOO SLOW")
        + _seeds(built)
    )
    return [
        ("clock", speed),
        *(
            (kind, f"{cells.used:,} of {cells.available:,} ({cells.used / cells.available:.1%})")
            for kind, cells in built.placement.placed.usage.items()
        ),
    ]


def written_rows(built: Build) -> list[tuple[str, str]]:
    """The files, and what to do with them."""
    files = ", ".join([*built.manifest["files"], "manifest.json", "reports"])
    return [
        ("wrote", f"{built.folder}: {files}"),
        ("program it", f"rheobase program {built.folder}"),
    ]


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Titles and what stands behind them, one below the other."""
    from ..console import say

    width = max(len(title) for title, _ in rows) + 2
    for title, text in rows:
        say(f"  {title:<{width}}{text}")


def placed_result(built: Build, target: BoardDescription, attempts: int) -> Placed:
    """The bitstream of ``built`` as a command's result has it."""
    clock = built.manifest["clock"]
    return Placed(
        bitstream=str(built.bitstream),
        device=target.device.name,
        clock_hz=clock["made_hz"],
        achieved_hz=clock["achieved_hz"],
        meets_timing=clock["meets_timing"],
        seed=clock["seed"],
        attempts=attempts,
        usage={
            kind: Usage(use.used, use.available)
            for kind, use in built.placement.placed.usage.items()
        },
    )


def _accuracy(network: Network) -> str | None:
    """Right answers as the conversion measured them; None where the file does not say."""
    known = network.provenance
    if known is None or known.network_accuracy is None:
        return None
    cnn = "" if known.cnn_accuracy is None else f", the CNN's {known.cnn_accuracy:.2f} %"
    return f"{known.network_accuracy:.2f} % of {known.test_images:,} images{cnn}"


def _seeds(built: Build) -> str:
    """Which of nextpnr's seeds, where several were tried."""
    placement = built.placement
    if len(placement.tried) == 1:
        return ""
    reached = ", ".join(f"{hertz / 1e6:.2f}" for hertz in placement.tried.values())
    return f" (seed {placement.seed} of nextpnr; the seeds reached {reached} MHz)"
