"""``rheobase run``: images through the network that a board's engine has loaded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..boards.protocol import DEFAULT_BAUD
from ..golden.errors import RheobaseError
from ..options.board import Port, Timeout
from ..options.files import ProgramFile
from ..options.folding import Baud
from ..options.images import Count, ImageOptions
from ..results.hardware import EngineRan

if TYPE_CHECKING:
    from ..golden.network.network import Network
    from ..hw.engine.compiled import Program


def run(
    program: ProgramFile,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[NETWORK.safetensors] IMAGES...",
            help="Network that the program was compiled from, whose golden model is compared then "
            "and whose classes are named; image files, a torchvision data set, a folder of class "
            "folders, or 'digits'.",
        ),
    ],
    port: Port,
    reading: ImageOptions,
    baud: Baud = DEFAULT_BAUD,
    timeout: Timeout = 1.0,
    count: Count = None,
    limit: Annotated[
        float, typer.Option(min=0.001, help="Seconds that an image may take in the engine.")
    ] = 10.0,
) -> EngineRan:
    """Classify images on a board with an engine, with the network that `rheobase load` put there.

    Exits with status 1 where a given network's golden model says otherwise.
    """
    from ..boards.host.engine_board import EngineBoard
    from ..building.board_images import (
        answers_to,
        load_shown,
        right_answers,
        show_answers,
        split_sources,
        unequal,
    )
    from ..console import progress_bar, say
    from ..golden.files.file import load_network
    from ..golden.network.provenance import Provenance
    from ..golden.run.run import run_golden
    from ..hw.engine.program_file import load_program

    file, pictures = split_sources("run", sources)
    found = load_program(program)
    _check_answers(found)
    network = None if file is None else load_network(file)
    if file is not None and network is not None:
        _check_network(found, network, file)
    classes = found.maps[found.outputs[0]].channels
    with EngineBoard(port, baud=baud, timeout=timeout) as board:
        clock = board.identity.clock
        shown = load_shown(pictures, found.input_shape, classes, reading, count)
        say(f"{port}: {found.name}, network {found.network_hash[:16]}, {clock / 1e6:g} MHz")
        start = time.monotonic()
        with progress_bar("running", len(shown.images)) as progress:
            result = board.run(found, shown.images, limit=limit, progress=progress)
        seconds = time.monotonic() - start
    scores = result.outputs[0].reshape(len(shown.images), classes)
    names = Provenance() if network is None else network.provenance or Provenance()
    answers = answers_to(shown, scores, names)
    show_answers(answers, result.cycles, seconds, clock, where="engine", resent=result.resent)
    differ = None
    if network is not None:
        golden = run_golden(network, shown.images)
        differ = unequal(golden, scores.argmax(axis=1), scores)
    return EngineRan(
        port=port,
        network=found.network_hash,
        clock_hz=clock,
        answers=answers,
        images_per_second=len(shown.images) / seconds,
        cycles_per_image=float(result.cycles.mean()),
        resent=result.resent,
        right_answers=right_answers(answers),
        differ=differ,
    )


def _check_answers(program: Program) -> None:
    places = [program.maps[output] for output in program.outputs]
    if len(places) > 1 or (places[0].rows, places[0].columns) != (1, 1):
        maps = ", ".join(f"{place.rows} x {place.columns}" for place in places)
        raise RheobaseError(
            f"run: outputs with maps of {maps}, must be one output with a map of 1 x 1 "
            "(rheobase.EngineBoard gives maps)"
        )


def _check_network(program: Program, network: Network, path: str) -> None:
    from ..golden.files.file import network_hash

    if network_hash(network) != program.network_hash:
        raise RheobaseError(
            f"{path}: not the network that the program was compiled from "
            f"({network_hash(network)[:16]}..., must be {program.network_hash[:16]}...)"
        )
