"""Delayed evaluation: from which step on the output is counted (eq. 18-19)."""

from __future__ import annotations

import math

import torch

from .balancing import Balance

#: Steps that are counted at the least (section 4.5).
COUNTED_STEPS = 4


def first_output_spike(balanced: Balance, layers: int) -> float:
    """Expected time of the first spike in layer ``layers`` (eq. 19), v(0) = theta / 2.

    Each layer adds the time that its first neuron takes to charge from v(0) to its threshold at
    its mean current. Where thresholds differ from channel to channel, the first neuron is the one
    with the smallest such time.
    """
    total = 0.0
    pairs = zip(balanced.thresholds[:layers], balanced.mean_activations[:layers], strict=True)
    for threshold, mean in pairs:
        charge = (threshold / 2)[:, None, None]
        active = mean > 0
        if not bool(active.any()):
            continue
        times = torch.where(active, charge / mean.clamp(min=1e-30), torch.inf)
        total += float(times.min())
    return total


def choose_delay(expected: float, steps: int) -> int:
    """t0 for ``steps`` (T): the whole steps before the expected first spike, or at most T - 4."""
    if steps < expected + COUNTED_STEPS:
        return max(0, steps - COUNTED_STEPS)
    return math.floor(expected)
