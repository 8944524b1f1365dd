"""COCO on disk: ``ROOT/val2017/*.jpg`` and ``ROOT/annotations/instances_val2017.json``."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from ...golden.basics.extras import how_to_install
from ...golden.errors import RheobaseError
from .image_files import open_image

#: Category ids of the classes 1 to 20 of PASCAL VOC, in their order.
VOC_CATEGORIES = (5, 2, 16, 9, 44, 6, 3, 17, 62, 21, 67, 18, 19, 4, 1, 64, 20, 63, 7, 72)
#: Label of pixels that do not count.
VOID = 255


class Coco:
    """Images of one part, such as ``val2017``, and their annotations.

    Args:
        root: the folder above the images and ``annotations``.
        part: ``train2017``, ``val2017``, ...
        sample: (count, seed): so many images, drawn without replacement; None for all.

    Raises:
        RheobaseError: a file or folder is absent or damaged, or pycocotools is.
    """

    def __init__(self, root: Path, part: str, sample: tuple[int, int] | None = None) -> None:
        coco = _pycocotools("coco")
        path = root / "annotations" / f"instances_{part}.json"
        self._folder = root / part
        if not path.is_file() or not self._folder.is_dir():
            absent = self._folder if path.is_file() else path
            raise RheobaseError(f"COCO: {absent}: absent, must be COCO's folder")
        try:
            with _silent():
                self.annotations: Any = coco.COCO(str(path))
        except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as error:
            raise RheobaseError(f"{path}: cannot be read as annotations ({error})") from None
        self.ids: list[int] = sorted(self.annotations.imgs)
        if sample is not None:
            count, seed = sample
            order = np.random.default_rng(seed).permutation(len(self.ids))[:count]
            self.ids = [self.ids[index] for index in order]
        if not self.ids:
            raise RheobaseError(f"{path}: no images, must be at least one")

    def image(self, number: int) -> Image.Image:
        """The image of id ``number``, in colour."""
        return open_image(self._folder / self.annotations.imgs[number]["file_name"])

    def voc_mask(self, number: int) -> np.ndarray:
        """uint8 (rows, columns): classes of PASCAL VOC, ``VOID`` where two objects overlap."""
        entry = self.annotations.imgs[number]
        mask = np.zeros((entry["height"], entry["width"]), dtype=np.uint8)
        covered = np.zeros_like(mask)
        for annotation in self.annotations.imgToAnns[number]:
            if annotation["category_id"] in VOC_CATEGORIES:
                label = VOC_CATEGORIES.index(annotation["category_id"]) + 1
                shown = self.annotations.annToMask(annotation).astype(bool)
                mask[shown] = np.maximum(mask[shown], label)
                covered[shown] += covered[shown] < 2
        mask[covered > 1] = VOID
        return mask

    def average_precision(
        self, detections: Sequence[tuple[int, int, Sequence[float], float]]
    ) -> dict[str, float]:
        """COCO's mean average precision (IoU 0.5 to 0.95, and 0.5) in percent, by pycocotools.

        Args:
            detections: (image id, category id, (x1, y1, x2, y2), score).
        """
        if not detections:
            return {"map": 0.0, "map50": 0.0}
        found = [
            {
                "image_id": image,
                "category_id": category,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
            }
            for image, category, (x1, y1, x2, y2), score in detections
        ]
        with _silent():
            evaluation = _pycocotools("cocoeval").COCOeval(
                self.annotations, self.annotations.loadRes(found), "bbox"
            )
            evaluation.params.imgIds = self.ids
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        # -1 where nothing is to be found.
        return {
            "map": 100 * max(0.0, float(evaluation.stats[0])),
            "map50": 100 * max(0.0, float(evaluation.stats[1])),
        }


def _silent() -> contextlib.AbstractContextManager[Any]:
    return contextlib.redirect_stdout(io.StringIO())


def _pycocotools(name: str) -> ModuleType:
    import importlib

    try:
        return importlib.import_module(f"pycocotools.{name}")
    except ImportError:
        raise RheobaseError(f"COCO: needs pycocotools: {how_to_install('pycocotools')}") from None
