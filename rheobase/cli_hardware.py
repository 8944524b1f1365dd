"""Commands that make hardware of networks, and run it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .boards.builds.placement import SEEDS
from .boards.platforms.registry import BOARDS, VERILOG_TARGETS
from .cli_app import app
from .cli_options import (
    Adders,
    Baud,
    Board,
    Clock,
    CountedImages,
    DataRoot,
    Download,
    Images,
    Lanes,
    Luts,
    MemoryBits,
    Network,
    Neurons,
    TargetFps,
)
from .failures import DIFFERS


@app.command()
def generate(
    network: Network,
    output: Annotated[Path, typer.Option("--output", "-o", help="Verilog file to write.")] = Path(
        "accelerator.v"
    ),
    neurons: Neurons = None,
    lanes: Lanes = None,
    adders: Adders = None,
    board: Board = None,
    luts: Luts = None,
    memory_bits: MemoryBits = None,
    target_fps: TargetFps = None,
    clock: Clock = None,
    images: CountedImages = None,
    data_root: DataRoot = None,
) -> None:
    """Write a network's accelerator as one self-contained Verilog file, top module accelerator.

    Prints the plan first: P, E, memories and cycles of each layer, and what it takes of a device.
    """
    from .commands.folding_options import options_of
    from .commands.generate import run

    options = options_of(
        neurons=neurons, lanes=lanes, adders=adders, board=board, luts=luts,
        memory_bits=memory_bits, target_fps=target_fps, clock=clock, images=images,
        data_root=data_root,
    )  # fmt: skip
    run(network, output, options)


@app.command()
def simulate(
    network: Network,
    images: Images,
    data_root: DataRoot = None,
    download: Download = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    record: Annotated[
        int, typer.Option(min=0, help="Images to compare spike by spike, in every layer.")
    ] = 100,
    steps: Annotated[
        int | None, typer.Option("--steps", "-T", help="T, at most the network's.")
    ] = None,
    delay: Annotated[int | None, typer.Option("--delay", "--t0", help="t0 < T.")] = None,
    verilog: Annotated[
        Path | None,
        typer.Option(
            help="Simulate this: the folder of a build, or the file that `generate` wrote, with "
            "the folding of its manifest."
        ),
    ] = None,
    neurons: Neurons = None,
    lanes: Lanes = None,
    adders: Adders = None,
    board: Board = None,
    luts: Luts = None,
    memory_bits: MemoryBits = None,
    target_fps: TargetFps = None,
    clock: Clock = None,
    plan_images: Annotated[
        str | None, typer.Option(help="Images to plan on, like `generate --images`.")
    ] = None,
    gap: Annotated[
        int, typer.Option(min=0, max=99, help="Percentage of cycles without a pixel.")
    ] = 0,
    stall: Annotated[
        int, typer.Option(min=0, max=99, help="Percentage of cycles without a taken result.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of gaps and stalls.")] = 0,
) -> None:
    """Run a network's Verilog in Verilator and compare it with the golden model.

    It is what `generate` writes with the same options, or the Verilog that --verilog names.
    Exits with status 1 where anything differs.
    """
    from .commands.folding_options import options_of
    from .commands.simulate import Request, run

    options = options_of(
        neurons=neurons, lanes=lanes, adders=adders, board=board, luts=luts,
        memory_bits=memory_bits, target_fps=target_fps, clock=clock, images=plan_images,
        data_root=data_root,
    )  # fmt: skip
    equal = run(
        Request(
            network=network, images=images, data_root=data_root, download=download, limit=limit,
            record=record, steps=steps, delay=delay, verilog=verilog, folding=options, gap=gap,
            stall=stall, seed=seed,
        )
    )  # fmt: skip
    if not equal:
        raise typer.Exit(DIFFERS)


@app.command()
def build(
    network: Network,
    board: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(BOARDS)}; {' or '.join(VERILOG_TARGETS)} for plain Verilog."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to make (default: build/BOARD).")
    ] = None,
    clock: Clock = None,
    baud: Baud = 3_000_000,
    neurons: Neurons = None,
    lanes: Lanes = None,
    adders: Adders = None,
    luts: Luts = None,
    memory_bits: MemoryBits = None,
    target_fps: TargetFps = None,
    images: CountedImages = None,
    data_root: DataRoot = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, help="Seeds of nextpnr, tried until one meets --clock; a far miss ends them."
        ),
    ] = SEEDS,
    allow_timing_fail: Annotated[
        bool,
        typer.Option("--allow-timing-fail", help="Keep a bitstream that is too slow for --clock."),
    ] = False,
) -> None:
    """Build a board's bitstream with yosys and nextpnr, or plain Verilog for another flow.

    Without -P, -E and --adders the folding is the fastest that fits the board; its plan is printed
    first.
    """
    from .commands.build import Request, run
    from .commands.folding_options import FoldingOptions

    options = FoldingOptions(
        neurons=neurons, lanes=lanes, adders=adders, luts=luts, memory_bits=memory_bits,
        target_fps=target_fps, clock=clock, images=images, data_root=data_root,
    )  # fmt: skip
    run(
        Request(
            network=network, board=board, output=output, baud=baud, seeds=seeds,
            allow_timing_fail=allow_timing_fail, folding=options,
        )
    )  # fmt: skip


@app.command()
def program(
    bitstream: Annotated[Path, typer.Argument(help="Bitstream, or the folder of a build.")],
    board: Annotated[
        str | None, typer.Option(help="Board (default: what the build's manifest says).")
    ] = None,
    flash: Annotated[
        bool, typer.Option("--flash", help="Write the flash memory, for every start to come.")
    ] = False,
) -> None:
    """Configure a board with openFPGALoader."""
    from .commands.program import run

    run(bitstream, board, flash)


@app.command("run")
def run_images(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[NETWORK.safetensors] IMAGES...",
            help="Network that the board must have, whose golden model is compared then; image "
            "files, a torchvision data set, a folder of class folders, or 'digits'.",
        ),
    ],
    port: Annotated[str, typer.Option(help="Serial port of the board, e.g. /dev/ttyUSB0.")],
    baud: Baud = 3_000_000,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds of silence until a request is sent again.")
    ] = 1.0,
    data_root: DataRoot = None,
    download: Download = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", "-T", help="T, at most the network's.")
    ] = None,
    delay: Annotated[int | None, typer.Option("--delay", "--t0", help="t0 < T.")] = None,
) -> None:
    """Classify images on a board.

    Exits with status 1 where a given network's golden model says otherwise.
    """
    from .commands.run import Request, run

    equal = run(
        Request(
            sources=sources, port=port, baud=baud, timeout=timeout, data_root=data_root,
            download=download, limit=limit, steps=steps, delay=delay,
        )
    )  # fmt: skip
    if not equal:
        raise typer.Exit(DIFFERS)
