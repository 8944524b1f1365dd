"""What neurons make of currents at all steps at once, in both codings, and the search for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..golden.network import Coding
from .analog import per_channel

#: Thresholds that are tried, as parts of the largest activation.
PARTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: Initial potentials that are tried, as parts of the threshold.
STARTS = (0.3, 0.4, 0.6, 0.7)
#: Factors on the threshold that are tried last.
_REFINED = (0.87, 0.94, 1.06, 1.13)
#: A channel of which fewer neurons are active has its bias shifted as if so many were.
_LEAST_ACTIVE = 0.05


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


@dataclass(frozen=True)
class Search:
    """What ``search_neurons`` may change.

    Attributes:
        thresholds: look for the threshold with the least error; else it stays.
        shared: one threshold for all channels.
        initial: look for the initial potential.
        rounds: shifts of the bias by the mean error, in a row.
    """

    thresholds: bool
    shared: bool
    initial: bool
    rounds: int


def search_neurons(
    currents: Tensor,
    target: Tensor,
    neurons: Neurons,
    search: Search,
    coding: Coding,
    steps: int,
    cap: float | None = None,
) -> tuple[Neurons, Tensor]:
    """Parameters with the least squared error between the layer's own output and ``target``.

    Args:
        currents: (steps or 1, samples, channels), under the spikes that really arrive.
        target: (samples, channels): the activations of the model.
        neurons: to start from; they stay where nothing better is found.
        cap: thresholds above are not tried.

    Returns:
        The parameters, and the mean squared error per channel (channels,).
    """
    top = torch.quantile(target[: 2**14].float(), 0.9995, dim=0).to(target)
    top = torch.where(top > 0, top, neurons.threshold)
    if search.shared:
        top = top.max().expand_as(top)

    state = _Best(currents, target, search, coding, steps, neurons)
    state.attempt(neurons)
    starts = STARTS if search.initial else ()
    if search.thresholds:
        for part in PARTS:
            level = top * part if cap is None else (top * part).clamp(max=cap)
            state.attempt(replace(neurons, threshold=level))
            for start in starts:
                initial = torch.full_like(top, start)
                state.attempt(replace(neurons, threshold=level, initial=initial))
    else:
        for start in starts:
            state.attempt(replace(neurons, initial=torch.full_like(top, start)))
    if search.thresholds:
        found = state.neurons
        for factor in _REFINED:
            level = found.threshold * factor
            level = level if cap is None else level.clamp(max=cap)
            state.attempt(replace(found, threshold=level))
    return state.neurons, state.error


class _Best:
    """The best parameters so far, per channel."""

    def __init__(
        self,
        currents: Tensor,
        target: Tensor,
        search: Search,
        coding: Coding,
        steps: int,
        neurons: Neurons,
    ) -> None:
        self._currents, self._target = currents, target
        self._search, self._coding, self._steps = search, coding, steps
        self.neurons = neurons
        self.error = torch.full_like(neurons.threshold, torch.inf)

    def attempt(self, neurons: Neurons) -> None:
        """Try ``neurons``, and their bias shifted by their mean error, several times."""
        best, least = neurons, torch.full_like(self.error, torch.inf)
        for number in range(self._search.rounds + 1):
            output = mean_output(self._currents, neurons, self._coding, self._steps)
            difference = output - self._target
            error = difference.square().mean(dim=0)
            better = error < least
            best, least = neurons.where(better, best), torch.minimum(error, least)
            if number == self._search.rounds:
                break
            active = ((output > 0) | (self._target > 0)).to(error.dtype).mean(dim=0)
            step = difference.mean(dim=0) / active.clamp(min=_LEAST_ACTIVE)
            neurons = replace(neurons, shift=neurons.shift - step)
        better = least < self.error
        if self._search.shared and self._search.thresholds:
            # One threshold for all: the layer's error decides.
            better = (least.sum() < self.error.sum()).expand_as(better)
        self.neurons = best.where(better, self.neurons)
        self.error = torch.where(better, least, self.error)


def starting(threshold: Tensor, initial: float = 0.5) -> Neurons:
    """Neurons as they are balanced: v(0) = theta / 2, no shift."""
    return Neurons(threshold, torch.full_like(threshold, initial), torch.zeros_like(threshold))
