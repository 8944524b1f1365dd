"""What a threshold costs on images that were not seen, by what all channels of a layer need.

A channel of a deep layer may be active in two of a hundred images. Its own samples then say little
of how far it goes in others, and a threshold that suits them clips there. All channels together
know more (docs/decisions/0186-thresholds-of-rare-channels.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..graph.levels import Levels, fired_numbers
from .kernel_fit import left_aside

#: Thresholds that errors are worked out for, as parts of the layer's largest activation.
_PARTS = tuple(2.0 ** (-index / 2) for index in range(14))
#: What the errors of all channels count beside a channel's own.
SHARES = (0.0, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, eq=False)
class ThresholdPrior:
    """What is added to a channel's own mean squared error.

    Attributes:
        thresholds: (candidates,), ascending.
        errors: (candidates,): the mean over channels, times what it counts.
        best: (channels,): the candidate with the least sum of own and added error.
        share: what the errors of all channels count.
    """

    thresholds: Tensor
    errors: Tensor
    best: Tensor
    share: float

    def at(self, thresholds: Tensor) -> Tensor:
        """The added error for thresholds (channels,), between candidates on a straight line."""
        given = thresholds.clamp(float(self.thresholds[0]), float(self.thresholds[-1]))
        above = torch.searchsorted(self.thresholds, given).clamp(1, len(self.thresholds) - 1)
        left, right = self.thresholds[above - 1], self.thresholds[above]
        part = (given - left) / (right - left)
        return torch.lerp(self.errors[above - 1], self.errors[above], part)


def threshold_prior(
    target: Tensor,
    images: int,
    levels: Levels,
    slope: Tensor | None = None,
    weights: Tensor | None = None,
    *,
    averaged: bool = False,
) -> ThresholdPrior | None:
    """The prior that does best on images left aside; None where a channel's own errors do.

    Args:
        target: (samples, channels): the model's activations, image after image.
        images: that samples are of, as many of each.
        levels: numbers that neurons can say over all steps.
        slope: (channels,) of neurons that fire signed.
        weights: (samples,): what an error counts in each; None for all alike.
        averaged: errors are those of the mean over an image's samples.
    """
    places = len(target) // images
    aside = left_aside(torch.arange(images, device=target.device))
    largest = target.abs().max()
    if not aside.any() or largest == 0:
        return None
    thresholds = largest * target.new_tensor(_PARTS).flip(0)
    found = []
    for threshold in thresholds:
        unit = threshold / levels.full
        numbers = fired_numbers(target + unit / 2, unit, slope).clamp_(levels.low, levels.high)
        lost = numbers.mul_(unit).sub_(target).unflatten(0, (images, places))
        if averaged:
            lost = lost.mean(dim=1).square()
        elif weights is None:
            lost = lost.square_().mean(dim=1)
        else:
            lost = torch.einsum("ip,ipc->ic", weights.reshape(images, places), lost.square_())
            lost /= places
        found.append(torch.stack([lost[part].mean(dim=0) for part in (~aside, aside)]))
    seen, others = torch.stack(found, dim=1)  # each (candidates, channels)

    def chosen(errors: Tensor, share: float) -> Tensor:
        return (errors + share * errors.mean(dim=1, keepdim=True)).argmin(dim=0)

    left = [float(others.gather(0, chosen(seen, share)[None]).sum()) for share in SHARES]
    share = SHARES[left.index(min(left))]
    if share == 0:
        return None
    part = float(aside.double().mean())
    both = (1 - part) * seen + part * others
    best = thresholds[chosen(both, share)]
    return ThresholdPrior(thresholds, share * both.mean(dim=1), best, share)
