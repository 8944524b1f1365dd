"""``rheobase classify``: images to a board over its serial line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..boards.protocol import DEFAULT_BAUD
from ..golden.errors import RheobaseError
from ..options.folding import Baud
from ..options.images import Count, ImageOptions
from ..options.time_steps import Delay, Steps
from ..results.hardware import Answer, Classified, Unequal

if TYPE_CHECKING:
    import numpy as np

    from ..boards.host.driver import Board
    from ..boards.host.driver import Classified as Answered
    from ..golden.network.network import Network
    from ..golden.network.provenance import Provenance

#: Suffix that tells a network file from images.
_NETWORK_SUFFIX = ".safetensors"


@dataclass(frozen=True, eq=False)
class _Shown:
    """Images, what they show (-1 where not known), and their files ("" where they have none)."""

    images: np.ndarray
    labels: np.ndarray
    files: list[str]


def classify(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[NETWORK.safetensors] IMAGES...",
            help="Network that the board must have, whose golden model is compared then; image "
            "files, a torchvision data set, a folder of class folders, or 'digits'.",
        ),
    ],
    port: Annotated[str, typer.Option(help="Serial port of the board, e.g. /dev/ttyUSB0.")],
    reading: ImageOptions,
    baud: Baud = DEFAULT_BAUD,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds of silence until a request is sent again.")
    ] = 1.0,
    count: Count = None,
    steps: Steps = None,
    delay: Delay = None,
) -> Classified:
    """Classify images on a board.

    Exits with status 1 where a given network's golden model says otherwise.
    """
    from ..boards.host.driver import Board
    from ..console import progress_bar, say
    from ..golden.files.file import load_network
    from ..golden.network.provenance import Provenance

    networks = [source for source in sources if source.endswith(_NETWORK_SUFFIX)]
    pictures = [source for source in sources if not source.endswith(_NETWORK_SUFFIX)]
    if len(networks) > 1 or not pictures:
        raise RheobaseError("classify: must be at most one network file, and images")
    network = load_network(networks[0]) if networks else None
    with Board(port, baud=baud, timeout=timeout, network=network) as board:
        identity = board.identity
        shown = _load(pictures, identity.input_shape, identity.classes, reading, count)
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
    answers = _answers(shown, result, names)
    right = _right(answers)
    _print(shown, answers, result, seconds, identity.clock, right)
    differ = None
    if network is not None:
        differ = _compared(network, shown, result, set_steps, set_delay)
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
        right_answers=right,
        differ=differ,
    )


def _load(
    sources: list[str],
    shape: tuple[int, int, int],
    classes: int,
    reading: ImageOptions,
    count: int | None,
) -> _Shown:
    """All images of all sources, in order."""
    import numpy as np

    from ..console import note
    from ..converter.data.data import classes_problem, read_image, with_hollow_classes

    parts: list[_Shown] = []
    for source in sources:
        if Path(source).is_file():
            image = read_image(Path(source), shape, reading.sizing)[None]
            parts.append(_Shown(image, np.array([-1]), [source]))
            continue
        found = reading.load(source, shape=shape, limit=count).first(count)
        found = with_hollow_classes(found, (classes,))
        problem, labels = classes_problem(found, (classes,)), found.labels
        if problem is not None:
            note(f"right answers are not counted: {problem}")
            labels = np.full_like(labels, -1)
        parts.append(_Shown(found.images, labels, [""] * len(found.images)))
    return _Shown(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        [file for part in parts for file in part.files],
    )


def _set(board: Board, steps: int | None, delay: int | None) -> None:
    """T and t0 as asked for, else the network's own (t0 at most T - 1), whatever was set before."""
    own = board.identity
    steps = own.steps if steps is None else steps
    delay = min(own.delay, max(0, steps - 1)) if delay is None else delay
    if (steps, delay) != board.setting:
        board.set(steps, delay)


def _answers(shown: _Shown, result: Answered, names: Provenance) -> list[Answer]:
    from ..golden.run.answers import class_answers

    return [
        Answer(
            file=file or None,
            answer=int(answer),
            name=names.class_name(int(answer)),
            label=None if label < 0 else int(label),
        )
        for file, answer, label in zip(
            shown.files, class_answers(result.scores), shown.labels, strict=True
        )
    ]


def _right(answers: list[Answer]) -> float | None:
    """Percentage of right answers; None where nobody knows what the images show."""
    known = [answer.answer == answer.label for answer in answers if answer.label is not None]
    return 100 * sum(known) / len(known) if known else None


def _print(
    shown: _Shown,
    answers: list[Answer],
    result: Answered,
    seconds: float,
    clock: int,
    right: float | None,
) -> None:
    from ..console import say

    for answer in answers:
        if answer.file is not None:
            say(f"{answer.file}: {answer.name}")
    count = len(shown.images)
    cycles = float(result.cycles.mean())
    say(
        f"{count} images, {count / seconds:.1f} per second over the line; "
        f"{cycles:.0f} cycles each in the accelerator ({1e6 * cycles / clock:.1f} us)"
        + (f"; {result.resent} requests sent again" if result.resent else "")
    )
    if right is not None:
        say(f"right answers of the hardware: {right:.2f} %")


def _compared(network: Network, shown: _Shown, result: Answered, steps: int, delay: int) -> Unequal:
    """How many answers and scores are not the golden model's, which is printed."""
    from ..console import say
    from ..golden.run.run import run_golden

    golden = run_golden(network, shown.images, steps=steps, delay=delay)
    answers = int((golden.answers != result.answers).sum())
    scores = int((golden.scores != result.scores).sum())
    if answers or scores:
        say(f"DIFFERENT from the golden model: {answers} answers, {scores} scores")
    else:
        say(f"hardware = golden model: all answers and scores of {len(shown.images)} images")
    return Unequal(answers, scores)
