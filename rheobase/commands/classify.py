"""``rheobase classify``: images to a board over its serial line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..boards.protocol import DEFAULT_BAUD
from ..options.board import Port, Timeout
from ..options.folding import Baud
from ..options.images import Count, ImageOptions
from ..options.time_steps import Delay, Steps
from ..results.hardware import Classified

if TYPE_CHECKING:
    from ..boards.host.driver import Board


def classify(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[NETWORK.safetensors] IMAGES...",
            help="Network that the board must have, whose golden model is compared then; image "
            "files, a torchvision data set, a folder of class folders, or 'digits'.",
        ),
    ],
    port: Port,
    reading: ImageOptions,
    baud: Baud = DEFAULT_BAUD,
    timeout: Timeout = 1.0,
    count: Count = None,
    steps: Steps = None,
    delay: Delay = None,
) -> Classified:
    """Classify images on a board.

    Exits with status 1 where a given network's golden model says otherwise.
    """
    from ..boards.host.driver import Board
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

    file, pictures = split_sources("classify", sources)
    network = None if file is None else load_network(file)
    with Board(port, baud=baud, timeout=timeout, network=network) as board:
        identity = board.identity
        shown = load_shown(pictures, identity.input_shape, identity.classes, reading, count)
        _set(board, steps, delay)
        set_steps, set_delay = board.setting
        coding = "radix" if identity.radix else "rate"
        say(
            f"{port}: network {identity.network_hash[:16]}, {coding} coding, T = {set_steps}, "
            f"t0 = {set_delay}, {identity.clock / 1e6:g} MHz"
        )
        start = time.monotonic()
        with progress_bar("classifying", len(shown.images)) as progress:
            result = board.classify(shown.images, progress=progress)
        seconds = time.monotonic() - start
    names = Provenance() if network is None else network.provenance or Provenance()
    answers = answers_to(shown, result.scores, names)
    show_answers(
        answers,
        result.cycles,
        seconds,
        identity.clock,
        where="accelerator",
        resent=result.resent,
    )
    differ = None
    if network is not None:
        golden = run_golden(network, shown.images, steps=set_steps, delay=set_delay)
        differ = unequal(golden, result.answers, result.scores)
    return Classified(
        port=port,
        network=identity.network_hash,
        coding=coding,
        T=set_steps,
        t0=set_delay,
        clock_hz=identity.clock,
        answers=answers,
        images_per_second=len(shown.images) / seconds,
        cycles_per_image=float(result.cycles.mean()),
        resent=result.resent,
        right_answers=right_answers(answers),
        differ=differ,
    )


def _set(board: Board, steps: int | None, delay: int | None) -> None:
    """T and t0 as asked for, else the network's own (t0 at most T - 1), whatever was set before."""
    own = board.identity
    steps = own.steps if steps is None else steps
    delay = min(own.delay, max(0, steps - 1)) if delay is None else delay
    if (steps, delay) != board.setting:
        board.set(steps, delay)
