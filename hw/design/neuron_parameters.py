"""Bias, threshold and initial potential of a layer's neurons, in turns or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.network.bounds import Interval
from ...golden.network.neurons import Neurons
from ..basics.widths import turn_numbers


@dataclass(frozen=True, eq=False)
class NeuronParameters:
    """Integers (out channels,) of one layer.

    Attributes:
        bias: added once per step (``rate``) or once in all (``radix``).
        threshold, initial_potential: of the IF neurons.
        negative_threshold: of those that fire signed, None of others.
    """

    bias: np.ndarray
    threshold: np.ndarray
    initial_potential: np.ndarray
    negative_threshold: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.bias.shape == self.threshold.shape == self.initial_potential.shape:
            raise RheobaseError(
                f"NeuronParameters: shapes {self.bias.shape}, {self.threshold.shape}, "
                f"{self.initial_potential.shape} differ, must be (out channels,) for each"
            )
        if self.threshold.min() < 1:
            raise RheobaseError(
                f"NeuronParameters: a threshold is {self.threshold.min()}, must be >= 1"
            )

    @property
    def neurons(self) -> Neurons:
        """Without the bias."""
        return Neurons(self.threshold, self.initial_potential, self.negative_threshold)

    @property
    def signed(self) -> bool:
        return self.negative_threshold is not None

    @property
    def largest_threshold(self) -> int:
        """Of either sign."""
        largest = self.threshold if self.negative_threshold is None else self.negative_threshold
        return int(largest.max())

    @property
    def less_silent_ends(self) -> Interval:
        """Bounds of less the ends of a range of potentials at which signed neurons do not spike.

        L or 0 below, theta or theta' + L above.
        """
        least, negative = self.neurons.silent_from, self.negative_threshold
        above = self.threshold if negative is None else np.maximum(self.threshold, negative + least)
        return Interval.of(-above, -least)

    def net_bits(self, steps: int) -> int:
        """Bits of the net count that ``rate`` neurons keep: none where it changes nothing."""
        if not self.signed or self.neurons.linear:
            return 0
        return Interval(-steps, steps).bits

    def in_turns(self, neurons: int, firing: int) -> NeuronParameters:
        """The same for ``firing`` neurons that take turns with a group of ``neurons``.

        Groups are those of ``CurrentTurns``; neurons that no channel has never spike.
        """
        groups = ceil_div(len(self.bias), neurons)
        turns = turn_numbers(neurons // firing)

        def spread(values: np.ndarray, fill: int) -> np.ndarray:
            padded = np.full(groups * neurons, fill, values.dtype)
            padded[: len(values)] = values
            result = np.full((groups, turns * firing), fill, values.dtype)
            result[:, :neurons] = padded.reshape(groups, neurons)
            return result.reshape(-1)

        negative = self.negative_threshold
        return NeuronParameters(
            spread(self.bias, 0),
            spread(self.threshold, 1),
            spread(self.initial_potential, 0),
            None if negative is None else spread(negative, 1),
        )

    def state_bounds(self, potential: Interval, steps: int, *, cumulative: bool) -> Interval:
        """Of what ``rate`` neurons keep: the potential with the coming step's bias.

        Less a threshold, so that the sign tells whether to spike; with ``cumulative`` less the
        currents that have come, so that start, biases and thresholds fired are left. Those that
        fire signed keep it less either end of the potentials at which they do not.
        """
        bias = self.bias.astype(np.int64)
        if self.negative_threshold is not None:
            if not cumulative:
                ends = self.less_silent_ends
                return potential + Interval.of(ends.low, bias.min(), bias.max() + ends.high)
            start, most = self.initial_potential, self.negative_threshold.astype(np.int64)
            fewest, most = np.minimum(bias, 0) - most, np.maximum(bias, 0) + most
            return Interval.of(start + (steps + 1) * fewest, start + (steps + 1) * most)
        if not cumulative:
            ahead = bias - self.threshold
            return potential + Interval(int(ahead.min()), int(bias.max()))
        start = self.initial_potential.astype(np.int64)
        # One bias and one threshold are ahead.
        low = start + (steps + 1) * (np.minimum(bias, 0) - self.threshold)
        return Interval.of(low, start + (steps + 1) * np.maximum(bias, 0))
