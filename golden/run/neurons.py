"""The integrate-and-fire neurons of a layer, in both codings (docs/meaning.md)."""

from __future__ import annotations

import numpy as np


class RateNeurons:
    """IF neurons in ``rate`` coding (eq. 2-4), their potentials at the start.

    Args:
        neurons: threshold and initial potential, each (channels,).
        shape: (images, rows, columns, channels).
        dtype: in which all currents and potentials are exact.
    """

    def __init__(
        self, neurons: tuple[np.ndarray, np.ndarray], shape: tuple[int, ...], dtype: np.dtype
    ):
        # Whole rows of the map, columns and channels together, make for long inner loops.
        images, rows, columns, _ = shape
        threshold, initial = neurons
        self._threshold = np.tile(threshold.astype(dtype), columns)
        self._potential = np.empty((images, rows, len(self._threshold)), dtype)
        self._potential[:] = np.tile(initial.astype(dtype), columns)
        self._fired = np.empty_like(self._potential)

    def step(self, currents: np.ndarray, spikes: np.ndarray) -> None:
        """One time step: accumulate, compare, subtract.

        Args:
            currents: (images, rows, columns, channels).
            spikes: float, of the same shape: becomes 1 where a neuron fires and 0 elsewhere.
        """
        shape = self._potential.shape
        self._potential += currents.reshape(shape)
        spikes = spikes.reshape(shape)
        np.greater_equal(self._potential, self._threshold, out=spikes, casting="unsafe")
        np.multiply(spikes, self._threshold, out=self._fired)
        self._potential -= self._fired


def fire_radix(
    neurons: tuple[np.ndarray, np.ndarray], current: np.ndarray, steps: int
) -> np.ndarray:
    """The number that each neuron's spike train spells: clip(floor(v / threshold), 0, 2**T - 1).

    Args:
        neurons: threshold and initial potential, each (channels,).
        current: (images, rows, columns, channels), the whole input.

    Returns:
        float32, of the same shape: 16 bits at most, so exact.
    """
    # Division of floats rounds; integers do not.
    threshold, initial = neurons
    potential = current.astype(np.int64) + initial
    numbers = np.clip(potential // threshold, 0, 2**steps - 1)
    return numbers.astype(np.float32)


def radix_train(numbers: np.ndarray, steps: int) -> np.ndarray:
    """Bit planes of ``numbers``, most significant first: bool, (T, *shape)."""
    bits = numbers.astype(np.int64)
    return np.stack([(bits >> (steps - 1 - step)) & 1 for step in range(steps)]).astype(bool)
