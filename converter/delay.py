"""Delayed evaluation: from which step on the output is counted (eq. 18-19)."""

from __future__ import annotations

import math

import torch

from .balancing import Balance

#: Steps that are counted at the least (section 4.5).
COUNTED_STEPS = 4


def first_output_spike(balanced: Balance) -> float:
    """Expected time of the first spike in the last layer, in steps (eq. 19), v(0) = theta / 2.

    Each layer adds the time that its first neuron takes to charge from v(0) to its threshold at
    its mean current. Where thresholds differ from channel to channel, the first neuron is the one
    with the smallest such time. In the last layer the first neuron is another one for each image,
    the winner, so its current is the mean of the maximum there; the maximum of the means of eq. 19
    would be smaller by about the number of classes (docs/decisions/0004-delay.md).
    """
    total = 0.0
    hidden = zip(balanced.thresholds[:-1], balanced.mean_activations[:-1], strict=True)
    for threshold, mean in hidden:
        charge = (threshold / 2)[:, None, None]
        if bool((mean > 0).any()):
            total += float(torch.where(mean > 0, charge / mean.clamp(min=1e-30), torch.inf).min())
    if balanced.mean_winner > 0:
        total += float(balanced.thresholds[-1].min()) / 2 / balanced.mean_winner
    return total


def choose_delay(expected: float, steps: int) -> int:
    """t0 for ``steps`` (T): the whole steps before the expected first spike, or at most T - 4."""
    if steps < expected + COUNTED_STEPS:
        return max(0, steps - COUNTED_STEPS)
    return math.floor(expected)
