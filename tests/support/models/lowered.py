"""Integer networks against the models that they were made of."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import rheobase


def assert_integers(
    model: nn.Module,
    shape: tuple[int, ...],
    *,
    mean: tuple[float, ...] = (0.5,),
    std: tuple[float, ...] = (0.25,),
    limit: float = 0.1,
) -> rheobase.Conversion:
    """Every element of the integer network's outputs is near the model's; the conversion."""
    model = model.float().eval()
    images = np.random.default_rng(0).integers(0, 256, (8, *shape)).astype(np.uint8)
    pixels = torch.from_numpy(images) / 255
    with torch.no_grad():
        expected = model((pixels - mean[0]) / std[0]).numpy()
    made = []
    for coding, steps in ((rheobase.Coding.RADIX, 8), (rheobase.Coding.RATE, 64)):
        options = rheobase.Options(
            coding=coding, steps=steps, method=rheobase.Method.ROBUST, percentile=100.0
        )
        made.append(rheobase.convert(model, images, mean=mean, std=std, options=options))
        scores = rheobase.run_golden(made[-1].network, images).outputs
        found = made[-1].lowered.real_outputs(scores)["out"]
        error = np.abs(found - expected).max() / expected.std()
        assert error < (limit if coding == rheobase.Coding.RADIX else 0.4), (coding, error)
    return made[0]
