"""A board's bitstream of a network, whatever plan it takes: the fastest one that can be built."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..boards.builds.bitstream import Build, board_tools, build_bitstream
from ..boards.builds.failure import BuildError
from ..boards.builds.placement import SEEDS
from ..boards.builds.plain_verilog import write_plain_verilog
from ..boards.platforms.registry import VERILOG_TARGETS, BoardDescription
from ..boards.platforms.registry import board as find_board
from ..boards.protocol import DEFAULT_BAUD
from ..golden.errors import RheobaseError
from ..golden.network.has_network import HasNetwork, network_of
from ..golden.network.network import Network
from ..hw.design.folding import Folding
from ..hw.planning.plan import Plan
from ..options.folding import FoldingOptions
from .folding_plan import check_folding_options, family_of, folding_plan
from .smaller_plan import ATTEMPTS, smaller_options

#: A context in which one try is made; it gives a function to name each step with.
Steps = Callable[[], AbstractContextManager[Callable[[str], None]]]


@dataclass(frozen=True)
class Settings:
    """How a bitstream is built, see ``boards.builds.bitstream.build_bitstream``."""

    baud: int = DEFAULT_BAUD
    seeds: int = SEEDS
    allow_timing_fail: bool = False


@dataclass(frozen=True)
class PlannedBuild:
    """A build, the plan that it has, and how many plans were tried."""

    plan: Plan
    build: Build
    attempts: int


def build(
    network: Network | HasNetwork,
    *,
    board: str,
    output: str | Path | None = None,
    folding: Folding | None = None,
    clock: float | None = None,
    luts: int | None = None,
    memory_bits: int | None = None,
    target_fps: float | None = None,
    images: np.ndarray | None = None,
    baud: int = DEFAULT_BAUD,
    seeds: int = SEEDS,
    allow_timing_fail: bool = False,
) -> Path:
    """Build ``network`` for ``board`` as ``rheobase build`` does.

    Args:
        board: as the command line has it, ``generic`` and ``asic`` (plain Verilog) among them.
        output: folder of the build; ``build/BOARD`` where None.
        folding: P and E of each layer; the fastest that fits where None.
        clock: design clock, MHz; the board's usual one where None.
        luts, memory_bits: what the plan may take of the device.
        target_fps: the smallest plan that reaches so many images a second, in place of the fastest.
        images: uint8, to count events on; the network's own counts where None.
        baud, seeds, allow_timing_fail: see ``boards.builds.bitstream.build_bitstream``.

    Returns:
        the folder, with the bitstream, the Verilog, reports and ``manifest.json``.

    Raises:
        RheobaseError: a parameter out of range, or a network that does not fit; a ``MachineError``
            where a tool is absent or fails.
    """
    network = network_of(network)
    target = None if board in VERILOG_TARGETS else find_board(board, VERILOG_TARGETS)
    folder = Path("build") / board if output is None else Path(output)
    options = FoldingOptions(
        luts=luts, memory_bits=memory_bits, target_fps=target_fps, clock=clock, board=target
    )
    check_folding_options(options)
    settings = Settings(baud, seeds, allow_timing_fail)
    if target is None:
        if folding is None:
            folding = folding_plan(network, options, images).folding
        write_plain_verilog(network, folding, board, folder)
    elif folding is None:
        build_planned(network, target, folder, options, images, settings)
    else:
        build_given(network, target, folder, folding, options, settings)
    return folder


def build_planned(
    network: Network,
    board: BoardDescription,
    output: Path,
    options: FoldingOptions,
    images: np.ndarray | None,
    settings: Settings,
    *,
    planned: Callable[[Plan, FoldingOptions], None] = lambda _plan, _options: None,
    failed: Callable[[str], None] = lambda _: None,
    steps: Steps = lambda: nullcontext(lambda _: None),
) -> PlannedBuild:
    """Plan and build; where a build fails for its size or speed, the next smaller plan.

    Args:
        planned: called with each plan before it is built.
        failed: called with a line on a plan that failed and the one that follows.
        steps: around each try.

    Raises:
        RheobaseError: nothing fits, or the last of ``ATTEMPTS`` plans could not be built.
    """
    # What is absent is told before the plan takes its time.
    board.platform()
    board_tools(board)
    failure: BuildError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            plan = folding_plan(network, options, images)
        except RheobaseError as error:
            if failure is None:
                raise
            raise RheobaseError(f"{failure}; a smaller plan: {error}") from None
        planned(plan, options)
        try:
            with steps() as progress:
                made = build_given(
                    network,
                    board,
                    output,
                    plan.folding,
                    options,
                    settings,
                    attempt=attempt,
                    progress=progress,
                )
        except BuildError as error:
            failure = error
            smaller = smaller_options(options, plan, error)
            if smaller is None or attempt == ATTEMPTS:
                raise
            options = smaller
            failed(
                f"try {attempt} of {ATTEMPTS} failed: {error}; the next plan takes at most "
                f"{options.luts:,} {family_of(options).logic} as predicted"
            )
            continue
        return PlannedBuild(plan, made, attempt)
    raise AssertionError("the last try returns or raises")


def build_given(
    network: Network,
    board: BoardDescription,
    output: Path,
    folding: Folding,
    options: FoldingOptions,
    settings: Settings,
    *,
    attempt: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Build:
    """``build_bitstream`` of ``folding`` at the clock that ``options`` ask for."""
    return build_bitstream(
        network,
        folding,
        board,
        output,
        clock=None if options.clock is None or options.hertz is None else round(options.hertz),
        baud=settings.baud,
        seeds=settings.seeds,
        allow_timing_fail=settings.allow_timing_fail,
        attempt=attempt,
        progress=progress,
    )
