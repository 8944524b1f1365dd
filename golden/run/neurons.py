"""The integrate-and-fire neurons of a layer, in both codings (docs/meaning.md)."""

from __future__ import annotations

import numpy as np

from ..network.bounds import train_range
from ..network.neurons import Neurons


class RateNeurons:
    """IF neurons in ``rate`` coding (eq. 2-4), their potentials at the start.

    Args:
        neurons: the layer's.
        shape: (images, rows, columns, channels).
        dtype: in which all currents and potentials are exact.
    """

    def __init__(self, neurons: Neurons, shape: tuple[int, ...], dtype: np.dtype):
        # Whole rows of the map, columns and channels together, make for long inner loops.
        images, rows, columns, _ = shape

        def in_rows(values: np.ndarray) -> np.ndarray:
            return np.tile(values.astype(dtype), columns)

        self._threshold = in_rows(neurons.threshold)
        self._potential = np.empty((images, rows, len(self._threshold)), dtype)
        self._potential[:] = in_rows(neurons.initial_potential)
        self._fired = np.empty_like(self._potential)
        self._signed = neurons.negative_threshold is not None
        self._net: np.ndarray | None = None
        if neurons.negative_threshold is not None and not neurons.linear:
            self._net = np.zeros_like(self._potential)
            self._negative_threshold = in_rows(neurons.negative_threshold)
            self._silent_from = in_rows(neurons.silent_from)

    def step(self, currents: np.ndarray, spikes: np.ndarray) -> None:
        """One time step: accumulate, compare, subtract.

        Args:
            currents: (images, rows, columns, channels).
            spikes: float, of the same shape: becomes 1 where a neuron fires (-1 where it fires a
                negative spike) and 0 elsewhere.
        """
        shape = self._potential.shape
        self._potential += currents.reshape(shape)
        spikes = spikes.reshape(shape)
        if self._net is not None:
            self._step_by_count(spikes, self._net)
        else:
            np.greater_equal(self._potential, self._threshold, out=spikes, casting="unsafe")
            if self._signed:
                spikes -= self._potential < 0
            np.multiply(spikes, self._threshold, out=self._fired)
        self._potential -= self._fired

    def _step_by_count(self, spikes: np.ndarray, net: np.ndarray) -> None:
        """Compare where the sides differ: it depends on ``net``, the sum of the spikes so far."""
        potential, threshold, negative = self._potential, self._threshold, self._negative_threshold
        upper = np.where(net < 0, negative + self._silent_from, threshold)
        np.greater_equal(potential, upper, out=spikes, casting="unsafe")
        spikes -= potential < np.where(net > 0, 0, self._silent_from)
        # A spike away from zero costs its own side's threshold, one towards it gives that back.
        np.multiply(spikes, np.where(2 * net + spikes > 0, threshold, negative), out=self._fired)
        net += spikes


def fire_radix(neurons: Neurons, current: np.ndarray, steps: int) -> np.ndarray:
    """The number that each neuron's spike train spells (docs/meaning.md).

    Args:
        neurons: the layer's.
        current: (images, rows, columns, channels), the whole input.
        steps: T of the layer.

    Returns:
        float32, of the same shape: 16 bits at most, so exact.
    """
    # Division of floats rounds; integers do not.
    potential = current.astype(np.int64) + neurons.initial_potential
    negative_threshold = neurons.negative_threshold
    accepted = train_range(steps, signed=negative_threshold is not None)
    numbers = np.clip(potential // neurons.threshold, 0, accepted.high)
    if negative_threshold is not None:
        beyond = (potential - neurons.silent_from) // negative_threshold
        numbers += np.clip(beyond, accepted.low, 0)
    return numbers.astype(np.float32)


def radix_train(numbers: np.ndarray, steps: int) -> np.ndarray:
    """Bit planes of ``numbers``, most significant first: bool, (T, *shape).

    Negative ones in two's complement: the first plane counts -2**(T-1).
    """
    bits = numbers.astype(np.int64)
    return np.stack([(bits >> (steps - 1 - step)) & 1 for step in range(steps)]).astype(bool)
