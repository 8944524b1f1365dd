"""Membrane potentials over time, from what neurons were given and what they fired."""

from __future__ import annotations

import numpy as np

from ..network.choices import Coding
from ..network.neurons import Neurons


def membrane_potentials(
    neurons: Neurons, coding: Coding, spikes: np.ndarray, currents: np.ndarray
) -> np.ndarray:
    """Potentials in front of each comparison (docs/meaning.md).

    In ``rate`` that is v at every step, with the step's current added and nothing fired yet. In
    ``radix`` it is what is left of the whole input when a plane is compared, with the threshold
    times 2**(T - 1 - t).

    Args:
        neurons: of ``channels`` neurons, or of channels with a map each.
        spikes: (images, T, channels, ...), as a ``LayerRecord`` has them.
        currents: (images, T or 1, channels, ...), likewise.

    Returns:
        int64, of the shape of ``spikes``.
    """
    steps = spikes.shape[1]

    def per_channel(values: np.ndarray) -> np.ndarray:
        return values.astype(np.int64).reshape(-1, *(1,) * (spikes.ndim - 3))

    threshold = per_channel(neurons.threshold)
    negative = threshold
    if neurons.negative_threshold is not None:
        negative = per_channel(neurons.negative_threshold)
    fired = spikes.astype(np.int64)
    if coding == Coding.RATE:
        received = np.broadcast_to(currents, fired.shape).cumsum(axis=1)
        before = fired.cumsum(axis=1) - fired
    else:
        received = np.broadcast_to(currents, fired.shape)
        worth = 2 ** np.arange(steps - 1, -1, -1, dtype=np.int64)
        if neurons.negative_threshold is not None:
            worth[0] = -worth[0]
        fired = fired * worth.reshape(-1, *(1,) * (spikes.ndim - 2))
        before = fired.cumsum(axis=1) - fired
        # The sign of a train is that of its first plane, from its first comparison on.
        negative = np.where(fired[:, :1] < 0, negative, threshold)
        threshold = negative
    taken = np.where(before > 0, threshold, negative) * before
    return received + per_channel(neurons.initial_potential) - taken
