"""The search for thresholds, initial potentials and biases by the error of a layer's own output."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...golden.network.network import Coding
from ..snn.firing import Neurons, mean_output
from .integer_grid import IntegerGrid
from .threshold_prior import ThresholdPrior

#: Thresholds that are tried, as fractions of the largest activation.
FRACTIONS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: Initial potentials that are tried, as fractions of the threshold.
STARTS = (0.3, 0.4, 0.6, 0.7)
#: Factors on the threshold that are tried last.
_REFINED = (0.87, 0.94, 1.06, 1.13)
#: The largest activation, but for this part of them.
_TOP = 0.9995
#: T in ``rate`` up to which thresholds and initial potentials are tried in all pairs
#: (docs/decisions/0079-joint-search.md).
_FEW_STEPS = 8
#: A channel of which fewer neurons are active has its bias shifted as if so many were.
_LEAST_ACTIVE = 0.05


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
    grid: IntegerGrid | None = None,
    weights: Tensor | None = None,
    places: int = 1,
    prior: ThresholdPrior | None = None,
    settled: bool = False,
) -> tuple[Neurons, Tensor]:
    """Parameters with the least squared error between the layer's own output and ``target``.

    Args:
        currents: (steps or 1, samples, channels), under the spikes that really arrive.
        target: (samples, channels): the activations of the model.
        neurons: to start from; they stay where nothing better is found.
        cap: thresholds above are not tried.
        grid: what the integer network will make of parameters; they are compared as that.
        weights: (samples,): what an error counts in each; None for all alike.
        places: the error of the mean of so many samples in a row is what counts, where neurons are
            read by a mean over their map.
        prior: what a threshold costs besides.
        settled: see ``firing.fire``.

    Returns:
        The parameters, and the mean squared error per channel (channels,).
    """
    top = _upper(target if neurons.slope is None else target.abs())
    top = torch.where(top > 0, top, neurons.threshold)
    if search.shared:
        top = top.max().expand_as(top)
    elif prior is not None:
        top = torch.maximum(top, prior.best)

    state = _Best(
        currents, target, search, coding, steps, neurons, cap, grid, weights, places, prior, settled
    )
    state.attempt(neurons)
    starts = STARTS if search.initial else ()
    # One after the other where that takes long; few steps want the two tried in all pairs.
    pairs = starts if coding == Coding.RADIX or settled or steps <= _FEW_STEPS else ()
    if search.thresholds:
        for fraction in FRACTIONS:
            level = top * fraction if cap is None else (top * fraction).clamp(max=cap)
            for start in (None, *pairs):
                state.attempt(_started(replace(neurons, threshold=level), start))
    if not search.thresholds or not pairs:
        found = state.neurons
        for start in starts:
            state.attempt(_started(found, start))
    if search.thresholds:
        found = state.neurons
        for factor in _REFINED:
            level = found.threshold * factor
            level = level if cap is None else level.clamp(max=cap)
            state.attempt(replace(found, threshold=level))
    return state.neurons, state.own_error


def _started(neurons: Neurons, start: float | None) -> Neurons:
    if start is None:
        return neurons
    return replace(neurons, initial=torch.full_like(neurons.initial, start))


def _upper(values: Tensor) -> Tensor:
    """The ``_TOP`` quantile of each column of (samples, channels), without sorting all of it."""
    place = (len(values) - 1) * (1 - _TOP)
    below = min(int(place) + 1, len(values) - 1)
    largest = values.topk(below + 1, dim=0).values
    return torch.lerp(largest[int(place)], largest[below], place - int(place))


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
        cap: float | None,
        grid: IntegerGrid | None,
        weights: Tensor | None,
        places: int,
        prior: ThresholdPrior | None,
        settled: bool,
    ) -> None:
        self._cap, self._grid, self._prior = cap, grid, prior
        self._currents, self._target = currents, target
        self._active = target != 0
        weights = target.new_ones(len(target)) if weights is None else weights
        self._parts, self._places = weights / weights.sum(), places
        self._search, self._settled = search, settled
        self._coding, self._steps = coding, steps
        self.neurons = neurons
        self.error = torch.full_like(neurons.threshold, torch.inf)

    @property
    def own_error(self) -> Tensor:
        """Of the channels' own samples."""
        return self.error - self._added(self.neurons)

    def _added(self, neurons: Neurons) -> Tensor | float:
        return 0.0 if self._prior is None else self._prior.at(neurons.threshold)

    def attempt(self, neurons: Neurons) -> None:
        """Try ``neurons``, and their bias shifted by their mean error, several times."""
        if self._grid is not None:
            neurons = self._grid.snapped(neurons, self._cap)
        best, least = neurons, torch.full_like(self.error, torch.inf)
        for number in range(self._search.rounds + 1):
            shown = neurons if self._grid is None else self._grid.integer(neurons)
            output = mean_output(
                self._currents, shown, self._coding, self._steps, settled=self._settled
            )
            difference = output - self._target
            # A product with equal parts takes a fraction of the time of a mean over the samples.
            if self._places == 1:
                error = self._parts @ difference.square()
            else:
                means = difference.unflatten(0, (-1, self._places)).mean(dim=1)
                error = means.square().mean(dim=0)
            better = error < least
            best, least = neurons.where(better, best), torch.minimum(error, least)
            if number == self._search.rounds:
                break
            active = self._parts @ ((output != 0) | self._active).to(output)
            step = self._parts @ difference / active.clamp(min=_LEAST_ACTIVE)
            neurons = replace(neurons, shift=neurons.shift - step)
        least = least + self._added(best)
        better = least < self.error
        if self._search.shared and self._search.thresholds:
            # One threshold for all: the layer's error decides.
            better = (least.sum() < self.error.sum()).expand_as(better)
        self.neurons = best.where(better, self.neurons)
        self.error = torch.where(better, least, self.error)
