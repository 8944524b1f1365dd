"""Semantic segmentation: PASCAL VOC and COCO, and the mean intersection over union."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ...golden.errors import RheobaseError
from ..data.coco import VOID, Coco
from ..data.image_files import Sizing, open_image, shorter_side

#: Background and the 20 classes of PASCAL VOC.
CLASSES = 21
#: An image, and the class of every pixel, read when they are asked for.
Example = Callable[[], tuple[Image.Image, Image.Image]]


class Confusion:
    """Counts of pixels by true and by answered class.

    Args:
        classes: labels are 0..classes - 1; pixels of any other label do not count.
    """

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), dtype=np.int64)

    def add(self, truth: np.ndarray, answers: np.ndarray) -> None:
        """Integers of one shape."""
        classes = len(self.counts)
        counted = (truth >= 0) & (truth < classes)
        pairs = classes * truth[counted].astype(np.int64) + answers[counted].astype(np.int64)
        self.counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    def percentages(self) -> dict[str, float]:
        """``miou`` over the classes that occur in truth or answers, and ``pixel_accuracy``."""
        right = np.diag(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - right
        occurs = union > 0
        if not occurs.any():
            raise RheobaseError("segmentation: no labelled pixels, must be at least one")
        return {
            "miou": 100 * float(np.mean(right[occurs] / union[occurs])),
            "pixel_accuracy": 100 * float(right.sum() / self.counts.sum()),
        }


def voc_examples(root: Path, part: str, sample: tuple[int, int] | None = None) -> list[Example]:
    """``train`` or ``val`` of VOC 2012, below ``root/VOCdevkit/VOC2012``.

    Raises:
        RheobaseError: a file is absent.
    """
    folder = root / "VOCdevkit" / "VOC2012"
    listed = folder / "ImageSets" / "Segmentation" / f"{part}.txt"
    try:
        names = listed.read_text().split()
    except OSError:
        raise RheobaseError(
            f"VOC: {listed}: absent, must be the folder above VOCdevkit/VOC2012"
        ) from None
    if sample is not None:
        count, seed = sample
        order = np.random.default_rng(seed).permutation(len(names))[:count]
        names = [names[index] for index in order]
    if not names:
        raise RheobaseError(f"{listed}: no images, must be at least one")

    def example(name: str) -> Example:
        def read() -> tuple[Image.Image, Image.Image]:
            path = folder / "SegmentationClass" / f"{name}.png"
            try:
                with Image.open(path) as mask:
                    # The numbers of the palette are the classes.
                    truth = Image.fromarray(np.asarray(mask, dtype=np.uint8))
            except (OSError, ValueError):
                raise RheobaseError(f"{path}: cannot be read as an image") from None
            return open_image(folder / "JPEGImages" / f"{name}.jpg"), truth

        return read

    return [example(name) for name in names]


def coco_examples(root: Path, part: str, sample: tuple[int, int] | None = None) -> list[Example]:
    """Images of COCO with the classes of VOC, as torchvision's weights were trained for."""
    coco = Coco(root, f"{part}2017", sample)
    return [
        lambda number=number: (coco.image(number), Image.fromarray(coco.voc_mask(number)))
        for number in coco.ids
    ]


def sized_examples(examples: list[Example], pixels: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(uint8 (3, rows, columns), uint8 (rows, columns)), the shorter side at ``pixels``.

    Classes are resized to their nearest neighbour, so both have one size.
    """
    for read in examples:
        image, truth = read()
        if image.size != truth.size:
            raise RheobaseError(
                f"segmentation: an image of {image.size} with classes of {truth.size}, must be "
                "one size"
            )
        size = shorter_side(*image.size, pixels)
        shown = image.resize(size, Image.Resampling.BILINEAR)
        classes = truth.resize(size, Image.Resampling.NEAREST)
        yield np.asarray(shown).transpose(2, 0, 1), np.asarray(classes)


def calibration_crops(examples: list[Example], pixels: int) -> np.ndarray:
    """uint8 (images, 3, side, side): the middle of each image, for all the same size."""
    sizing = Sizing(resize=pixels, crop=pixels)
    crops = [np.asarray(sizing.apply(read()[0])).transpose(2, 0, 1) for read in examples]
    return np.stack(crops)


__all__ = [
    "CLASSES",
    "VOID",
    "Confusion",
    "calibration_crops",
    "coco_examples",
    "sized_examples",
    "voc_examples",
]
