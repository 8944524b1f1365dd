"""Images as the model takes them, one batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...golden.basics.arithmetic import ceil_div
from .pixels import normalised

#: Images in a batch.
BATCH = 100


class LazyBatches(Sequence[Tensor]):
    """Batches that are made when they are asked for, each time anew.

    Args:
        make: gives the batch of a number.
        count: of batches.
    """

    def __init__(self, make: Callable[[int], Tensor], count: int) -> None:
        self._make, self._count = make, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Tensor:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._make(index)


def on_device(batches: Sequence[Tensor], device: str) -> LazyBatches:
    """``batches``, each moved to ``device`` when it is asked for."""
    return LazyBatches(lambda index: batches[index].to(device), len(batches))


def split_batches(batches: Sequence[Tensor], count: int) -> tuple[LazyBatches, LazyBatches]:
    """``count`` images of ``batches`` from all over, as a set may be sorted by class; the others.

    Both in batches that have any, all images where there are fewer than ``count``.
    """
    sizes = [len(batch) for batch in batches]
    total = sum(sizes)
    count = min(count, total)
    places = torch.arange(total)
    # The places at which a share of the images passes another whole number.
    taken = (places + 1) * count // max(total, 1) > places * count // max(total, 1)
    chosen: list[tuple[int, Tensor]] = []
    others: list[tuple[int, Tensor]] = []
    for index, here in enumerate(taken.split(sizes) if sizes else ()):
        for parts, those in ((chosen, here), (others, ~here)):
            if those.any():
                parts.append((index, those.nonzero().flatten()))

    def parts_of(places: list[tuple[int, Tensor]]) -> LazyBatches:
        def make(number: int) -> Tensor:
            index, rows = places[number]
            batch = batches[index]
            return batch[rows.to(batch.device)]

        return LazyBatches(make, len(places))

    return parts_of(chosen), parts_of(others)


def spread_images(batches: Sequence[Tensor], count: int) -> Tensor:
    """At most ``count`` images as one batch, evenly over all, as a set may be sorted by class."""
    return torch.cat(tuple(split_batches(batches, count)[0]))


class Batches(LazyBatches):
    """Normalised batches of uint8 images; each is made when it is asked for.

    Pixels take a quarter of the memory of numbers, and a large test set is kept as pixels.

    Args:
        images: (images, channels, ...).
        mean, std: per channel, for pixels in 0..1.
        device: where the batches go.
        size: images in a batch.
    """

    def __init__(
        self,
        images: np.ndarray,
        mean: Sequence[float],
        std: Sequence[float],
        device: str = "cpu",
        size: int = BATCH,
    ) -> None:
        def make(index: int) -> Tensor:
            part = images[index * size : (index + 1) * size]
            return normalised(part, mean, std).to(device)

        super().__init__(make, ceil_div(len(images), size))
        self._size = size

    def cut(self, labels: Tensor) -> list[Tensor]:
        """``labels`` (images,), in batches as the images are."""
        return list(labels.split(self._size))
