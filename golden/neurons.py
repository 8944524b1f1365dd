"""The integrate-and-fire neurons of a layer, in both codings (DESIGN section 1)."""

from __future__ import annotations

import numpy as np

from .network import Layer


def fire_rate(layer: Layer, currents: np.ndarray, steps: int) -> np.ndarray:
    """Spikes of the published IF neuron (eq. 2-4).

    Args:
        currents: (T or 1, images, rows, columns, channels): one step where it is constant.

    Returns:
        float32 zeros and ones, (T, images, rows, columns, channels).
    """
    dtype = currents.dtype
    threshold = layer.threshold.astype(dtype)
    potential = np.empty(currents.shape[1:], dtype)
    potential[:] = layer.initial_potential
    fired = np.empty_like(potential)
    # Spikes are 0.0 and 1.0 already in the type that the next layer most likely sums in.
    spikes = np.empty((steps, *potential.shape), np.float32)
    for step in range(steps):
        potential += currents[min(step, len(currents) - 1)]
        np.greater_equal(potential, threshold, out=spikes[step], casting="unsafe")
        np.multiply(spikes[step], threshold, out=fired)
        potential -= fired
    return spikes


def fire_radix(layer: Layer, current: np.ndarray, steps: int) -> np.ndarray:
    """The number that each neuron's spike train spells: clip(floor(v / threshold), 0, 2**T - 1).

    Args:
        current: (images, rows, columns, channels), the whole input.

    Returns:
        float32, of the same shape: 16 bits at most, so exact.
    """
    # Division of floats rounds; integers do not.
    potential = current.astype(np.int64) + layer.initial_potential
    numbers = np.clip(potential // layer.threshold, 0, 2**steps - 1)
    return numbers.astype(np.float32)


def radix_train(numbers: np.ndarray, steps: int) -> np.ndarray:
    """Bit planes of ``numbers``, most significant first: bool, (T, *shape)."""
    bits = numbers.astype(np.int64)
    return np.stack([(bits >> (steps - 1 - step)) & 1 for step in range(steps)]).astype(bool)
