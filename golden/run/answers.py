"""What a network's scores say: the class of each image."""

from __future__ import annotations

import math

import numpy as np

from ..errors import RheobaseError

#: Of the normal distribution, for intervals that hold in 95 % of all samples.
_DEVIATIONS = 1.96


def confidence_interval(percent: float, images: int) -> tuple[float, float]:
    """Between which percentages 95 % of all sets of so many images lie: Wilson's interval.

    Args:
        percent: of the answers to ``images`` images that are right.
    """
    share, square = percent / 100, _DEVIATIONS**2 / images
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(square * share * (1 - share) + square**2 / 4) / (1 + square)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def class_answers(scores: np.ndarray) -> np.ndarray:
    """The class that each image's scores tell: int64, (images,).

    It is the index of the largest score, the lowest one on a tie. A single score tells two classes
    apart: 1 where it is positive, else 0. (The hardware's ``prediction`` is the index of the
    largest in any case, so always 0 for a single score.)

    Args:
        scores: (images, classes), or with further dimensions of one.

    Raises:
        RheobaseError: the scores are a map.
    """
    if not is_per_class(scores.shape[1:]):
        raise RheobaseError(
            f"answers: scores of {' x '.join(map(str, scores.shape[1:]))} for an image, must "
            "be one score for each class"
        )
    flat = scores.reshape(len(scores), int(np.prod(scores.shape[1:])))
    if flat.shape[1] == 1:
        return (flat[:, 0] > 0).astype(np.int64)
    return flat.argmax(axis=1)


def is_per_class(shape: tuple[int, ...]) -> bool:
    """Whether scores of ``shape`` (without the images) are one for each class, and no map."""
    return sum(extent != 1 for extent in shape) <= 1
