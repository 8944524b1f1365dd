"""``rheobase engine``: the bitstream of an engine, which runs any network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ..boards.builds.placement import SEEDS
from ..boards.platforms.registry import boards_with_engine
from ..boards.protocol import DEFAULT_BAUD
from ..options.folding import Baud
from ..results.hardware import EngineBuilt


def engine(
    board: Annotated[
        str,
        typer.Option(
            help=f"A board with an SDRAM: {', '.join(boards_with_engine())}.",
            autocompletion=boards_with_engine,
        ),
    ],
    engine: Annotated[
        str | None,
        typer.Option(
            help="Name of an engine, or a JSON file with its parameters (default: the board's)."
        ),
    ] = None,
    clock: Annotated[
        float | None,
        typer.Option(
            help="Clock of the engine, MHz; the SDRAM's is twice that where it has 16 bits "
            "(default: what these engines reach)."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to make (default: build/BOARD-engine)."),
    ] = None,
    baud: Baud = DEFAULT_BAUD,
    seeds: Annotated[
        int, typer.Option(min=1, help="Seeds of nextpnr, tried until one meets --clock.")
    ] = SEEDS,
    allow_timing_fail: Annotated[
        bool,
        typer.Option("--allow-timing-fail", help="Keep a bitstream that is too slow for --clock."),
    ] = False,
) -> EngineBuilt:
    """Build the bitstream of a board's engine, once for all networks.

    `compile` makes a network's program for the same engine.
    """
    from ..boards.builds.engine_bitstream import build_engine, check_sdram
    from ..boards.builds.reports import beyond_data_sheet
    from ..boards.platforms.registry import board as find_board
    from ..console import duration, note, say, timed_steps
    from ..hw.engine.designs import engine_clock, engine_design
    from .build import placed_result, placed_rows, print_rows, written_rows

    target = find_board(board)
    check_sdram(target)
    mhz = engine_clock(clock)
    name = engine or target.engine
    assert name is not None  # boards with an SDRAM have one
    design = engine_design(name)
    start = time.monotonic()
    with timed_steps("building") as progress:
        built = build_engine(
            design,
            target,
            output or Path("build") / f"{board}-engine",
            name=name,
            clock=round(mhz * 1e6),
            baud=baud,
            seeds=seeds,
            allow_timing_fail=allow_timing_fail,
            progress=progress,
        )
    say(f"engine {name} for {target.title} in {duration(time.monotonic() - start)}")
    adders = f"{design.adders} of {design.weight_bits} bits, {design.lanes} lanes"
    memory = built.manifest["sdram"]
    print_rows(
        [
            ("adders", adders),
            (
                "SDRAM",
                f"{memory['module']} at {memory['clock_hz'] / 1e6:g} MHz, "
                f"{memory['bits_a_cycle']} bits in a cycle of the engine",
            ),
            *placed_rows(built),
            *written_rows(built),
        ]
    )
    if beyond := beyond_data_sheet(built.placement.placed.usage, target.device):
        note(
            f"{target.device.name}: takes {beyond}; nextpnr finds them on the die, the data sheet "
            "does not promise them"
        )
    return EngineBuilt(
        folder=str(built.folder),
        board=target.id,
        engine=name,
        adders=design.adders,
        memory_bits=memory["bits_a_cycle"],
        files=list(built.manifest["files"]),
        placed=placed_result(built, target, 1),
    )
