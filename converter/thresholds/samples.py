"""Activations that stand for all of a layer's."""

from __future__ import annotations

import torch
from torch import Tensor

#: Values per channel and batch.
SAMPLES = 512


def channel_samples(current: Tensor) -> Tensor:
    """(channels, about ``SAMPLES``) values, evenly spread over images and positions."""
    flat = current.flatten(2) if current.ndim > 2 else current[:, :, None]
    images, channels, positions = flat.shape
    per_image = max(1, SAMPLES // images)
    if per_image >= positions:
        picked = flat
    else:
        index = torch.arange(per_image, device=flat.device) * positions // per_image
        # Other positions in each image.
        shift = torch.arange(images, device=flat.device)[:, None] * 7919
        index = (index + shift) % positions
        picked = flat.gather(2, index[:, None, :].expand(images, channels, per_image))
    samples = picked.transpose(0, 1).reshape(channels, -1)
    if samples.shape[1] > 2 * SAMPLES:
        samples = samples[:, :: samples.shape[1] // SAMPLES]
    return samples
