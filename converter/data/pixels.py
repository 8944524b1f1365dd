"""Images as people hold them in Python, as one array of pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ...golden.errors import RheobaseError

#: What ``as_pixels`` takes.
Images = np.ndarray | Tensor | Sequence[np.ndarray | Tensor] | DataLoader
#: How far pixels / 255 may be off in float32.
_ROUNDING = 1e-3


def as_pixels(images: Images) -> np.ndarray:
    """Images of an array, a tensor on any device, a list or a DataLoader, as one array of uint8.

    Args:
        images: a list has an array or tensor for each image. A DataLoader gives batches of images,
            alone or in front of labels: uint8, or pixels / 255 as torchvision's ``ToTensor`` makes
            them, not normalised yet. All of its images are taken: a ``Subset`` limits them.

    Raises:
        RheobaseError: no images, other than pixels of uint8, or images of several shapes.
    """
    if isinstance(images, DataLoader):
        images = [image for batch in images for image in _batch(batch)]
    pixels: Any = images
    if isinstance(images, list | tuple):
        pixels = _stacked(images)
    elif isinstance(images, Tensor):
        pixels = images.detach().cpu().numpy()
    kind = getattr(pixels, "dtype", type(pixels).__name__)
    shape = getattr(pixels, "shape", ())
    if kind != np.uint8 or len(shape) < 3 or not all(shape):
        floats = ", or (pixels * 255).round() of pixels in 0..1" if "float" in str(kind) else ""
        raise RheobaseError(
            f"calibration images: {kind} {tuple(shape)}, must be uint8 pixels of 0..255 "
            f"(images, channels, rows, columns), at least one image{floats}"
        )
    return pixels


def _stacked(images: Iterable[np.ndarray | Tensor]) -> np.ndarray:
    """One image after the other."""
    arrays = [np.asarray(one.cpu() if isinstance(one, Tensor) else one) for one in images]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise RheobaseError(
            f"calibration images: {shapes[0]} and {shapes[1]}, must be images of one shape"
        )
    return np.stack(arrays) if arrays else np.empty(0, np.uint8)


def _batch(batch: Any) -> np.ndarray:
    """The pixels of what a DataLoader gives at a time."""
    images = batch[0] if isinstance(batch, list | tuple) else batch
    if not isinstance(images, Tensor):
        raise RheobaseError(
            f"calibration images: {type(images).__name__} in a DataLoader, must be tensors of "
            "images, alone or in front of labels"
        )
    if images.dtype == torch.uint8:
        return images.cpu().numpy()
    scaled = images.detach().cpu().float() * 255
    pixels = scaled.round()
    if not (
        bool((scaled - pixels).abs().max() <= _ROUNDING)
        and 0 <= float(pixels.min()) <= float(pixels.max()) <= 255
    ):
        raise RheobaseError(
            "calibration images: values of a DataLoader that are no pixels / 255, must be "
            "without Normalize (mean and std say it)"
        )
    return pixels.to(torch.uint8).numpy()


def normalisation(
    mean: float | Sequence[float], std: float | Sequence[float], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """``mean`` and ``std`` per channel; one value stands for all channels.

    Raises:
        RheobaseError: another number of values, a mean outside 0..1, or a std that is not positive.
    """
    result = []
    for field, values in (("mean", mean), ("std", std)):
        values = tuple(float(value) for value in np.atleast_1d(np.asarray(values)))
        values = values * channels if len(values) == 1 else values
        if len(values) != channels:
            raise RheobaseError(
                f"{field}: {len(values)} values, must be 1 or {channels}, one per channel"
            )
        result.append(values)
    if not all(0 <= value <= 1 for value in result[0]):
        raise RheobaseError(f"mean: {result[0]}, must be values in 0..1 (pixels are 0..1)")
    if not all(value > 0 for value in result[1]):
        raise RheobaseError(f"std: {result[1]}, must be positive values")
    return result[0], result[1]


def normalised(images: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Pixels 0..255 (uint8) as the model takes them: (pixel / 255 - mean) / std, float32."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).float()
    shape = (-1, *[1] * (pixels.ndim - 2))
    centre = 255.0 * torch.tensor(mean, dtype=torch.float32).reshape(shape)
    gain = 1.0 / (255.0 * torch.tensor(std, dtype=torch.float32)).reshape(shape)
    return pixels.sub_(centre).mul_(gain)
