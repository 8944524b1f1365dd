"""``rheobase run``: images to a board over its serial line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..boards.host.driver import Board, Classified, connect
from ..console import OUT, progress_bar
from ..converter.data.data import classes_problem, load_images, read_image, with_hollow_classes
from ..golden.answers import class_answers
from ..golden.errors import RheobaseError
from ..golden.file import load_network, network_hash
from ..golden.network import Network
from ..golden.provenance import Provenance
from ..golden.run import run_golden

#: Suffix that tells a network file from images.
_NETWORK_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase run --help``."""

    sources: list[str]
    port: str
    baud: int
    timeout: float
    data_root: Path | None
    download: bool
    limit: int | None
    steps: int | None
    delay: int | None


@dataclass(frozen=True, eq=False)
class _Images:
    """Images, what they show (-1 where not known), and their files ("" where they have none)."""

    images: np.ndarray
    labels: np.ndarray
    files: list[str]


def run(request: Request) -> bool:
    """Classify and print; False where a given network's golden model says otherwise."""
    networks = [source for source in request.sources if source.endswith(_NETWORK_SUFFIX)]
    sources = [source for source in request.sources if not source.endswith(_NETWORK_SUFFIX)]
    if len(networks) > 1 or not sources:
        raise RheobaseError("run: accepted is at most one network file, and images")
    network = load_network(networks[0]) if networks else None
    expected = None if network is None else network_hash(network)
    with connect(
        request.port, baud=request.baud, timeout=request.timeout, network_hash=expected
    ) as board:
        identity = board.identity
        images = _load(sources, identity.input_shape, identity.classes, request)
        _set(board, request)
        steps, delay = board.setting
        coding = "radix" if identity.radix else "rate"
        OUT.print(
            f"{request.port}: network {identity.network_hash[:16]}, {coding} coding, T = {steps}, "
            f"t0 = {delay}, {identity.clock / 1e6:g} MHz",
            highlight=False,
        )
        start = time.monotonic()
        with progress_bar("classifying", len(images.images)) as progress:
            result = board.classify(images.images, progress=progress)
        seconds = time.monotonic() - start
    names = Provenance() if network is None else network.provenance or Provenance()
    _print(images, result, seconds, identity.clock, names)
    return network is None or _compare(network, images, result, steps, delay)


def _load(
    sources: list[str], shape: tuple[int, int, int], classes: int, request: Request
) -> _Images:
    """All images of all sources, in order."""
    parts: list[_Images] = []
    for source in sources:
        if Path(source).is_file():
            image = read_image(Path(source), shape)[None]
            parts.append(_Images(image, np.array([-1]), [source]))
            continue
        found = load_images(
            source,
            data_root=request.data_root,
            download=request.download,
            shape=shape,
            limit=request.limit,
        ).first(request.limit)
        found = with_hollow_classes(found, (classes,))
        problem, labels = classes_problem(found, (classes,)), found.labels
        if problem is not None:
            OUT.print(f"right answers are not counted: {problem}", highlight=False, markup=False)
            labels = np.full_like(labels, -1)
        parts.append(_Images(found.images, labels, [""] * len(found.images)))
    return _Images(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        [file for part in parts for file in part.files],
    )


def _set(board: Board, request: Request) -> None:
    """T and t0 as asked for, else the network's own (t0 at most T - 1), whatever was set before."""
    own = board.identity
    steps = own.steps if request.steps is None else request.steps
    delay = min(own.delay, max(0, steps - 1)) if request.delay is None else request.delay
    if (steps, delay) != board.setting:
        board.set(steps, delay)


def _print(
    images: _Images, result: Classified, seconds: float, clock: int, names: Provenance
) -> None:
    answers = class_answers(result.scores)
    for file, answer in zip(images.files, answers, strict=True):
        if file:
            name = names.class_name(int(answer))
            OUT.print(f"{file}: {name}", highlight=False, soft_wrap=True, markup=False)
    count = len(images.images)
    cycles = float(result.cycles.mean())
    OUT.print(
        f"{count} images, {count / seconds:.1f} per second over the line; "
        f"{cycles:.0f} cycles each in the accelerator ({1e6 * cycles / clock:.1f} us)"
        + (f"; {result.resent} requests sent again" if result.resent else ""),
        highlight=False,
    )
    known = images.labels >= 0
    if known.any():
        right = 100 * float((answers == images.labels)[known].mean())
        OUT.print(f"right answers of the hardware: {right:.2f} %", highlight=False)


def _compare(network: Network, images: _Images, result: Classified, steps: int, delay: int) -> bool:
    """Compare answers and scores with the golden model's, and say so."""
    golden = run_golden(network, images.images, steps=steps, delay=delay)
    answers = int((golden.answers != result.answers).sum())
    scores = int((golden.scores != result.scores).sum())
    if answers or scores:
        OUT.print(f"DIFFERENT from the golden model: {answers} answers, {scores} scores")
        return False
    OUT.print(
        f"hardware = golden model: all answers and scores of {len(images.images)} images",
        highlight=False,
    )
    return True
