"""Right and wrong answers: percentages with their scatter, and the images that were mistaken."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from ..golden.network.provenance import Provenance
from ..golden.run.answers import confidence_interval

#: Mistaken images that are shown, and rows or columns of one at most.
_MOST_MISTAKES, _LARGEST = 24, 128


def percentage(right: np.ndarray) -> dict[str, float]:
    """Percentage of true elements, with its interval of 95 %."""
    percent = 100 * float(np.mean(right))
    low, high = confidence_interval(percent, len(right))
    return {"percent": percent, "low": low, "high": high}


def mistaken_images(
    images: np.ndarray,
    labels: np.ndarray,
    answers: dict[str, np.ndarray],
    provenance: Provenance | None,
) -> list[dict[str, Any]]:
    """Images that the golden model answers wrongly: what they show, and what was said.

    Args:
        images: uint8, (images, channels, rows, columns).
        labels: int64, (images,).
        answers: by who gave them, (images,) or the first of them: must have ``golden``.
    """
    names = provenance or Provenance()
    return [
        {
            "image": int(index),
            "picture": _picture(images[index]),
            "label": names.class_name(int(labels[index])),
            "answers": {
                who: names.class_name(int(given[index])) if index < len(given) else None
                for who, given in answers.items()
            },
        }
        for index in np.flatnonzero(answers["golden"] != labels)[:_MOST_MISTAKES]
    ]


def _picture(image: np.ndarray) -> str:
    """A PNG as a data URI; its first channel where it has neither one, three nor four."""
    from PIL import Image

    if image.shape[0] in (3, 4):
        picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    else:
        picture = Image.fromarray(np.ascontiguousarray(image[0]))
    picture.thumbnail((_LARGEST, _LARGEST))
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
