"""Images as the model takes them, one batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

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
    """The first ``count`` images of ``batches`` and the others, in batches that have any."""
    bounds = pairwise(accumulate((len(batch) for batch in batches), initial=0))
    first: list[tuple[int, slice]] = []
    others: list[tuple[int, slice]] = []
    for index, (start, end) in enumerate(bounds):
        cut = min(max(count - start, 0), end - start)
        first += [(index, slice(cut))] if cut else []
        others += [(index, slice(cut, None))] if start + cut < end else []

    def parts(places: list[tuple[int, slice]]) -> LazyBatches:
        return LazyBatches(lambda n: batches[places[n][0]][places[n][1]], len(places))

    return parts(first), parts(others)


def first_images(batches: Sequence[Tensor], count: int) -> Tensor:
    """The first ``count`` images (all where there are fewer) as one batch."""
    found: list[Tensor] = []
    for batch in batches:
        if count <= 0:
            break
        found.append(batch[:count])
        count -= len(batch)
    return torch.cat(found)


def spread_images(batches: Sequence[Tensor], count: int) -> Tensor:
    """At most ``count`` images as one batch, evenly over all, as a set may be sorted by class."""
    sizes = [len(batch) for batch in batches]
    step = max(1, ceil_div(sum(sizes), count))
    found: list[Tensor] = []
    start = 0
    for batch, size in zip(batches, sizes, strict=True):
        found.append(batch[-start % step :: step].clone())  # no view that keeps the batch
        start += size
    return torch.cat(found)


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
