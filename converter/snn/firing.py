"""What neurons make of currents at all steps at once, in both codings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...golden.network.network import Coding
from ..graph.analog import per_channel


@dataclass(frozen=True, eq=False)
class Neurons:
    """Parameters of one layer, each (channels,): threshold, v(0) / threshold, shift of the bias."""

    threshold: Tensor
    initial: Tensor
    shift: Tensor

    def where(self, better: Tensor, other: Neurons) -> Neurons:
        """``self`` in the channels that are ``better``, elsewhere ``other``."""
        return Neurons(
            torch.where(better, self.threshold, other.threshold),
            torch.where(better, self.initial, other.initial),
            torch.where(better, self.shift, other.shift),
        )


def fire(currents: Tensor, neurons: Neurons, coding: Coding, steps: int) -> Tensor:
    """Values that go on, spikes times what they are worth: (steps, images, channels, ...).

    In ``radix`` there is one step, whose value is the whole number's.

    Args:
        currents: (steps or 1, images, channels, ...); one step stands for all.
    """
    rank = currents.ndim - 1
    threshold = per_channel(neurons.threshold, rank)
    start = threshold * per_channel(neurons.initial, rank)
    shift = per_channel(neurons.shift, rank)
    if coding == Coding.RADIX:
        top = 2**steps - 1
        number = torch.floor((currents + shift + start / top) / (threshold / top))
        return number.clamp_(0, top).mul_(threshold / top)
    potential = (start + shift).expand_as(currents[0]).clone()
    fired = currents.new_empty((steps, *currents.shape[1:]))
    for step in range(steps):
        potential += currents[step if len(currents) > 1 else 0]
        torch.mul(potential >= threshold, threshold, out=fired[step])
        potential -= fired[step]
        potential += shift
    return fired


def mean_output(currents: Tensor, neurons: Neurons, coding: Coding, steps: int) -> Tensor:
    """Mean of ``fire`` over the steps: (images, channels, ...)."""
    if coding == Coding.RADIX:
        return fire(currents, neurons, coding, steps)[0]
    rank = currents.ndim - 1
    threshold = per_channel(neurons.threshold, rank)
    shift = per_channel(neurons.shift, rank)
    start = threshold * per_channel(neurons.initial, rank)
    potential = (start + shift).expand_as(currents[0]).clone()
    total = torch.zeros_like(potential)
    fired = torch.empty_like(potential)
    for step in range(steps):
        potential += currents[step if len(currents) > 1 else 0]
        torch.mul(potential >= threshold, threshold, out=fired)
        potential -= fired
        potential += shift
        total += fired
    return total.div_(steps)


def starting(threshold: Tensor, initial: float = 0.5) -> Neurons:
    """Neurons as they are balanced: v(0) = theta / 2, no shift."""
    return Neurons(threshold, torch.full_like(threshold, initial), torch.zeros_like(threshold))
