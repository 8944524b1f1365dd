"""Images that are shown to a board, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..golden.errors import RheobaseError
from ..options.images import ImageOptions
from ..results.hardware import Answer, Unequal

if TYPE_CHECKING:
    import numpy as np

    from ..golden.network.provenance import Provenance
    from ..golden.run.run import GoldenRun


#: Suffix that tells a network file from images.
_NETWORK_SUFFIX = ".safetensors"


@dataclass(frozen=True, eq=False)
class Shown:
    """Images, what they show (-1 where not known), and their files ("" where they have none)."""

    images: np.ndarray
    labels: np.ndarray
    files: list[str]


def split_sources(command: str, sources: list[str]) -> tuple[str | None, list[str]]:
    """The network file, if one is named, and the images.

    Raises:
        RheobaseError: more than one network file, or no images.
    """
    networks = [source for source in sources if source.endswith(_NETWORK_SUFFIX)]
    pictures = [source for source in sources if not source.endswith(_NETWORK_SUFFIX)]
    if len(networks) > 1 or not pictures:
        raise RheobaseError(f"{command}: must be at most one network file, and images")
    return (networks[0] if networks else None), pictures


def load_shown(
    sources: list[str],
    shape: tuple[int, int, int],
    classes: int,
    reading: ImageOptions,
    count: int | None,
) -> Shown:
    """All images of all sources, in order."""
    import numpy as np

    from ..console import note
    from ..converter.data.data import classes_problem, read_image, with_hollow_classes

    parts: list[Shown] = []
    for source in sources:
        if Path(source).is_file():
            image = read_image(Path(source), shape, reading.sizing)[None]
            parts.append(Shown(image, np.array([-1]), [source]))
            continue
        found = reading.load(source, shape=shape, limit=count).first(count)
        found = with_hollow_classes(found, (classes,))
        problem, labels = classes_problem(found, (classes,)), found.labels
        if problem is not None:
            note(f"right answers are not counted: {problem}")
            labels = np.full_like(labels, -1)
        parts.append(Shown(found.images, labels, [""] * len(found.images)))
    return Shown(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        [file for part in parts for file in part.files],
    )


def answers_to(shown: Shown, scores: np.ndarray, names: Provenance) -> list[Answer]:
    """What a board's scores say of each image, with the classes' names."""
    from ..golden.run.answers import class_answers

    return [
        Answer(
            file=file or None,
            answer=int(answer),
            name=names.class_name(int(answer)),
            label=None if label < 0 else int(label),
        )
        for file, answer, label in zip(
            shown.files, class_answers(scores), shown.labels, strict=True
        )
    ]


def right_answers(answers: list[Answer]) -> float | None:
    """Percentage of right answers; None where nobody knows what the images show."""
    known = [answer.answer == answer.label for answer in answers if answer.label is not None]
    return 100 * sum(known) / len(known) if known else None


def show_answers(
    answers: list[Answer],
    cycles: np.ndarray,
    seconds: float,
    clock: int,
    *,
    where: str,
    resent: int,
) -> None:
    """Print what a board answered and how long it took.

    Args:
        cycles: of each image, int64.
        where: what took these cycles.
        resent: requests that were sent again.
    """
    from ..console import say

    for answer in answers:
        if answer.file is not None:
            say(f"{answer.file}: {answer.name}")
    count, mean = len(answers), float(cycles.mean())
    say(
        f"{count} images, {count / seconds:.1f} per second over the line; "
        f"{mean:.0f} cycles each in the {where} ({1e6 * mean / clock:.1f} us)"
        + (f"; {resent} requests sent again" if resent else "")
    )
    right = right_answers(answers)
    if right is not None:
        say(f"right answers of the hardware: {right:.2f} %")


def unequal(golden: GoldenRun, answers: np.ndarray, scores: np.ndarray) -> Unequal:
    """How many answers and scores of a board are not the golden model's, which is printed.

    Args:
        answers: int64, (images,); the channel of the largest score.
        scores: int64, (images, classes).
    """
    from ..console import say

    differ = Unequal(
        answers=int((golden.answers != answers).sum()),
        scores=int((golden.scores != scores).sum()),
    )
    if differ.answers or differ.scores:
        say(f"DIFFERENT from the golden model: {differ.answers} answers, {differ.scores} scores")
    else:
        say(f"hardware = golden model: all answers and scores of {len(scores)} images")
    return differ
