"""Images as the model takes them, one batch at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..conversion import BATCH
from ..data.pixels import normalised


class Batches(Sequence[Tensor]):
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
        self._images, self._mean, self._std = images, mean, std
        self._device, self._size = device, size

    def __len__(self) -> int:
        return -(-len(self._images) // self._size)

    def __getitem__(self, index: int) -> Tensor:
        if not 0 <= index < len(self):
            raise IndexError(index)
        part = self._images[index * self._size : (index + 1) * self._size]
        return normalised(part, self._mean, self._std).to(self._device)

    def cut(self, labels: Tensor) -> list[Tensor]:
        """``labels`` (images,), in batches as the images are."""
        return list(labels.split(self._size))
