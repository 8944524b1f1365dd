"""Neurons of a map that stand for all of them."""

from __future__ import annotations

import torch
from torch import Tensor

from ...golden.basics.arithmetic import ceil_div


def sampled_positions(
    shape: tuple[int, ...], images: int, samples: int, generator: torch.Generator
) -> Tensor:
    """Sampled positions of a flattened map, (images, positions)."""
    extent = 1
    for size in shape[1:]:
        extent *= size
    count = min(extent, max(1, ceil_div(samples, images)))
    return torch.randint(extent, (images, count), generator=generator)


def at_positions(values: Tensor, positions: Tensor) -> Tensor:
    """(images * positions, channels) of (images, channels, ...)."""
    flat = values.flatten(2) if values.ndim > 2 else values[:, :, None]
    index = positions[:, None].expand(-1, flat.shape[1], -1)
    return flat.gather(2, index).transpose(1, 2).flatten(0, 1)
