"""``rheobase build``: a network file to a board's bitstream, or to plain Verilog."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..boards.builds.bitstream import Build, build_bitstream
from ..boards.builds.failure import BuildError
from ..boards.builds.plain_verilog import write_plain_verilog
from ..boards.platforms.registry import VERILOG_TARGETS, BoardDescription, board
from ..console import OUT, duration, timed_steps, working
from ..golden.errors import RheobaseError
from ..golden.file import load_network
from ..golden.network import Network
from ..hw.memories.memory_mapping import Family
from ..hw.planning.plan import Plan
from .folding_options import HOST_LINK_LUTS, FoldingOptions, folding_plan, planned_folding
from .smaller_plan import ATTEMPTS, LOGIC, smaller_options


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase build --help``."""

    network: Path
    board: str
    output: Path | None
    baud: int
    seeds: int
    allow_timing_fail: bool
    folding: FoldingOptions


def run(request: Request) -> None:
    """Print the plan, build, and print what was used of the device and how fast it runs."""
    target = None if request.board in VERILOG_TARGETS else board(request.board, VERILOG_TARGETS)
    options = replace(request.folding, board=target)
    if target is None and options.clock is not None and options.target_fps is None:
        raise RheobaseError(f"--clock: {request.board} has no clock of its own")
    network = load_network(request.network)
    output = request.output or Path("build") / request.board
    if target is None:
        folding = planned_folding(network, options)
        with working(f"writing {request.board} Verilog"):
            files = write_plain_verilog(network, folding, request.board, output)
        OUT.print(f"wrote {len(files)} files to {output}", highlight=False, soft_wrap=True)
        return
    start = time.monotonic()
    plan, build, attempts = _built(network, target, output, options, request)
    _print_summary(network, plan, build, target, attempts, time.monotonic() - start)


def _built(
    network: Network,
    target: BoardDescription,
    output: Path,
    options: FoldingOptions,
    request: Request,
) -> tuple[Plan, Build, int]:
    """The plan that could be built, its build, and how many were tried."""
    clock = None if options.clock is None else round(options.hertz)
    failure: BuildError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            plan = folding_plan(network, options)
        except RheobaseError as error:
            if failure is None:
                raise
            raise RheobaseError(f"{failure}; a smaller plan: {error}") from None
        try:
            with timed_steps("building") as progress:
                build = build_bitstream(
                    network,
                    plan.folding,
                    target,
                    output,
                    clock=clock,
                    baud=request.baud,
                    seeds=request.seeds,
                    allow_timing_fail=request.allow_timing_fail,
                    attempt=attempt,
                    progress=progress,
                )
        except BuildError as error:
            failure = error
            smaller = smaller_options(options, plan, error)
            if smaller is None or attempt == ATTEMPTS:
                raise
            options = smaller
            OUT.print(
                f"try {attempt} of {ATTEMPTS} failed: {error}; the next plan takes at most "
                f"{options.luts:,} {options.family.logic} as predicted",
                highlight=False,
                soft_wrap=True,
            )
            continue
        return plan, build, attempt
    raise AssertionError("the last try returns or raises")


def _print_summary(
    network: Network,
    plan: Plan,
    build: Build,
    target: BoardDescription,
    attempts: int,
    seconds: float,
) -> None:
    """Ten lines at most: speed, share of the device, files."""
    clock = build.manifest["clock"]
    made = clock["made_hz"]
    tried = "" if attempts == 1 else f", try {attempts} of {ATTEMPTS}"
    predicted = {LOGIC: plan.area.luts + HOST_LINK_LUTS[Family(target.family.value)]}
    rows = [
        ("network", f"{network.name}, {network.coding.value} coding, T = {network.steps}"),
        (
            "speed",
            f"{made / plan.cycles:,.0f} images/s predicted ({plan.cycles:,.0f} cycles an image)",
        ),
        (
            "clock",
            f"{made / 1e6:g} MHz, Fmax {clock['achieved_hz'] / 1e6:.2f} MHz"
            + ("" if clock["meets_timing"] else ": TOO SLOW")
            + _seeds(build),
        ),
    ]
    for kind, usage in build.placement.placed.usage.items():
        text = f"{usage.used:,} of {usage.available:,} ({usage.used / usage.available:.1%})"
        if kind in predicted:
            text += f", {predicted[kind]:,.0f} predicted"
        rows.append((kind, text))
    accuracy = _accuracy(network)
    if accuracy is not None:
        rows.append(("accuracy", accuracy))
    files = ", ".join([*build.manifest["files"], "manifest.json", "reports"])
    rows.append(("wrote", f"{build.folder}: {files}"))
    rows.append(("program it", f"rheobase program {build.folder}"))
    OUT.print(f"{target.title} in {duration(seconds)}{tried}", highlight=False)
    for title, text in rows:
        OUT.print(f"  {title:<12}{text}", highlight=False, soft_wrap=True)


def _accuracy(network: Network) -> str | None:
    """Right answers as the conversion measured them; None where the file does not say."""
    known = network.provenance
    if known is None or known.network_accuracy is None:
        return None
    cnn = "" if known.cnn_accuracy is None else f", the CNN's {known.cnn_accuracy:.2f} %"
    return f"{known.network_accuracy:.2f} % of {known.test_images:,} images{cnn}"


def _seeds(build: Build) -> str:
    """Which of nextpnr's seeds, where several were tried."""
    placement = build.placement
    if len(placement.tried) == 1:
        return ""
    reached = ", ".join(f"{hertz / 1e6:.2f}" for hertz in placement.tried.values())
    return f" (seed {placement.seed} of nextpnr; the seeds reached {reached} MHz)"
