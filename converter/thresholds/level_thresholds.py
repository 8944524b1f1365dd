"""Thresholds by rounding and clipping error together, for the levels that T gives.

A threshold at the extremes of what neurons give, of either sign, loses nothing to clipping and most
to rounding; of a grid of parts of it the one with the least squared error is taken.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..calibrate.threshold_prior import ThresholdPrior
from ..graph.levels import Levels

#: Thresholds that are tried, as parts of the largest magnitude. Two's complement ends a level below
#: the threshold on the positive side, so that the largest may be worth going beyond.
PARTS = tuple(0.10 + 0.05 * index for index in range(22))


def level_thresholds(
    activations: Tensor,
    levels: Levels | None,
    *,
    shared: bool = False,
    prior: ThresholdPrior | None = None,
) -> tuple[Tensor, Tensor]:
    """Thresholds with the least squared error of ``activations``, and that error.

    Args:
        activations: (channels, samples): what the neurons are to give.
        levels: as ``mean_levels`` gives them; None for the largest magnitude, whatever T will be.
        shared: one threshold for all channels.
        prior: what a threshold costs besides.

    Returns:
        Thresholds (channels,), zero where nothing is active and no ``prior`` says what is needed;
        mean squared errors (channels,), with what the prior adds.
    """
    largest = activations.abs().amax(dim=1)
    if shared:
        largest = largest.max().expand_as(largest)
    if levels is None:
        return largest.clone(), torch.zeros_like(largest)
    top = largest if prior is None else torch.maximum(largest, prior.best)
    safe = torch.where(top > 0, top, 1.0)
    best = torch.full_like(largest, torch.inf)
    found = largest.clone()
    for part in PARTS:
        unit = (safe * part / levels.full)[:, None]
        numbers = torch.floor(activations / unit + 0.5).clamp_(levels.low, levels.high)
        error = numbers.mul_(unit).sub_(activations).square_().mean(dim=1)
        if prior is not None:
            error = error + prior.at(safe * part)
        compared = error.sum().expand_as(error) if shared else error
        better = compared < best
        best = torch.where(better, compared, best)
        found = torch.where(better, top * part, found)
    return found, best / len(best) if shared else best
