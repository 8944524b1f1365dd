"""What neurons make of currents at all steps at once, in both codings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...golden.network.network import Coding
from ..graph.graph import per_channel
from ..graph.levels import fired_numbers, mean_levels


@dataclass(frozen=True, eq=False)
class Neurons:
    """Parameters of one layer, each (channels,): threshold, v(0) / threshold, shift of the bias.

    ``slope`` is that of neurons that fire signed, None of others. In ``rate`` some of these take
    spikes back (``takes_back``).
    """

    threshold: Tensor
    initial: Tensor
    shift: Tensor
    slope: Tensor | None = None
    takes_back: bool = False

    def where(self, better: Tensor, other: Neurons) -> Neurons:
        """``self`` in the channels that are ``better``, elsewhere ``other``."""
        return Neurons(
            torch.where(better, self.threshold, other.threshold),
            torch.where(better, self.initial, other.initial),
            torch.where(better, self.shift, other.shift),
            self.slope,
            self.takes_back,
        )


class RatePotentials:
    """Potentials of one layer in ``rate``, from step to step.

    Neurons that fire signed, or take spikes back, keep all that they received and the number that
    they have fired: each step brings it closer, by one, to what the whole would fire at once.

    Args:
        start: potentials in front of the first step; they are overwritten.
        threshold: broadcasting to them.
        slope: of neurons that fire signed, broadcasting to them; None of others.
        takes_back: the others' spikes can be taken back, one by one, but none is owed.
    """

    def __init__(
        self,
        start: Tensor,
        threshold: Tensor,
        slope: Tensor | None = None,
        *,
        takes_back: bool = False,
    ) -> None:
        self._potential = start
        self._threshold, self._slope = threshold, slope
        counted = takes_back or slope is not None
        self._fired = torch.zeros_like(start) if counted else None

    def step(self, current: Tensor, out: Tensor) -> None:
        """Accumulate, compare, subtract: ``out`` becomes the spikes times what they are worth."""
        self._potential += current
        if self._fired is None:
            torch.mul(self._potential >= self._threshold, self._threshold, out=out)
            self._potential -= out
            return
        wanted = fired_numbers(self._potential, self._threshold, self._slope)
        if self._slope is None:
            wanted.clamp_(min=0)
        torch.sub(wanted, self._fired, out=out).sign_()
        self._fired += out
        out *= self._threshold

    def shift(self, by: Tensor) -> None:
        """Add what comes between two steps."""
        self._potential += by


def fire(
    currents: Tensor, neurons: Neurons, coding: Coding, steps: int, *, settled: bool = False
) -> Tensor:
    """Values that go on, spikes times what they are worth: (steps, images, channels, ...).

    In ``radix`` there is one step, whose value is the whole number's.

    Args:
        currents: (steps or 1, images, channels, ...); one step stands for all.
        settled: in ``rate`` also one step, whose value is the mean over all: the net count that a
            neuron is led to by the mean current, but for those whose count is still on its way.
    """
    if coding == Coding.RADIX or settled:
        rank = currents.ndim - 1
        levels = mean_levels(neurons.slope is not None, coding, steps)
        unit = per_channel(neurons.threshold, rank) / levels.full
        start = per_channel(neurons.threshold * neurons.initial, rank) / levels.full
        potential = currents + per_channel(neurons.shift, rank) + start
        number = fired_numbers(potential, unit, _slope(neurons, rank))
        return number.clamp_(levels.low, levels.high).mul_(unit)
    potentials, shift = _rate_potentials(currents, neurons)
    fired = currents.new_empty((steps, *currents.shape[1:]))
    for step in range(steps):
        potentials.step(currents[step if len(currents) > 1 else 0], fired[step])
        potentials.shift(shift)
    return fired


def mean_output(
    currents: Tensor, neurons: Neurons, coding: Coding, steps: int, *, settled: bool = False
) -> Tensor:
    """Mean of ``fire`` over the steps: (images, channels, ...)."""
    if coding == Coding.RADIX or settled:
        return fire(currents, neurons, coding, steps, settled=settled)[0]
    potentials, shift = _rate_potentials(currents, neurons)
    total = torch.zeros_like(currents[0])
    fired = torch.empty_like(total)
    for step in range(steps):
        potentials.step(currents[step if len(currents) > 1 else 0], fired)
        potentials.shift(shift)
        total += fired
    return total.div_(steps)


def _rate_potentials(currents: Tensor, neurons: Neurons) -> tuple[RatePotentials, Tensor]:
    """Potentials in front of the first step, its shift in them, and the shift."""
    rank = currents.ndim - 1
    threshold, shift = per_channel(neurons.threshold, rank), per_channel(neurons.shift, rank)
    start = threshold * per_channel(neurons.initial, rank) + shift
    start = start.expand_as(currents[0]).clone()
    potentials = RatePotentials(
        start, threshold, _slope(neurons, rank), takes_back=neurons.takes_back
    )
    return potentials, shift


def _slope(neurons: Neurons, rank: int) -> Tensor | None:
    return None if neurons.slope is None else per_channel(neurons.slope, rank)


def starting(
    threshold: Tensor,
    initial: float = 0.5,
    slope: Tensor | None = None,
    *,
    takes_back: bool = False,
) -> Neurons:
    """Neurons as they are balanced: v(0) = theta / 2, no shift."""
    start, shift = torch.full_like(threshold, initial), torch.zeros_like(threshold)
    return Neurons(threshold, start, shift, slope, takes_back)
