"""``rheobase build``: a network file to a board's bitstream, or to plain Verilog."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..boards.bitstream import Build, build_bitstream
from ..boards.plain_verilog import write_plain_verilog
from ..boards.registry import VERILOG_TARGETS, board
from ..console import OUT, working
from ..golden.errors import RheobaseError
from ..golden.file import load_network
from ..tables import table
from .folding_options import FoldingOptions, planned_folding


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
    target = None if request.board in VERILOG_TARGETS else board(request.board)
    options = replace(request.folding, board=target)
    if target is None and options.clock is not None and options.target_fps is None:
        raise RheobaseError(f"--clock: {request.board} has no clock of its own")
    network = load_network(request.network)
    folding = planned_folding(network, options)
    output = request.output or Path("build") / request.board
    if target is None:
        with working(f"writing {request.board} Verilog"):
            files = write_plain_verilog(network, folding, request.board, output)
        OUT.print(f"wrote {len(files)} files to {output}", highlight=False, soft_wrap=True)
        return
    clock = None if options.clock is None else round(options.hertz)
    with working("building") as status:
        build = build_bitstream(
            network,
            folding,
            target,
            output,
            clock=clock,
            baud=request.baud,
            seeds=request.seeds,
            allow_timing_fail=request.allow_timing_fail,
            progress=lambda step: status.update(f"building: {step}"),
        )
    _print(build, target.title)


def _print(build: Build, title: str) -> None:
    rows = [
        (kind, usage.used, usage.available, f"{100 * usage.used / usage.available:.1f} %")
        for kind, usage in build.placement.placed.usage.items()
    ]
    OUT.print(table(title, ("", "used", "of", "share"), rows))
    clock = build.manifest["clock"]
    OUT.print(
        f"clock {clock['made_hz'] / 1e6:g} MHz, Fmax {clock['achieved_hz'] / 1e6:.2f} MHz"
        + ("" if clock["meets_timing"] else ": TOO SLOW"),
        highlight=False,
    )
    if len(build.placement.tried) > 1:
        reached = ", ".join(f"{hertz / 1e6:.2f}" for hertz in build.placement.tried.values())
        OUT.print(
            f"seed {build.placement.seed} of nextpnr; the seeds reached {reached} MHz",
            highlight=False,
        )
    OUT.print(f"wrote {build.bitstream}", highlight=False, soft_wrap=True)
