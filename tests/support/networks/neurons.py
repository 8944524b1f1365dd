"""Random thresholds, biases and initial potentials of a layer."""

from __future__ import annotations

import numpy as np

from rheobase.hw.design.neuron_parameters import NeuronParameters


def random_parameters(
    rng: np.random.Generator, channels: int, slope: int | None = None
) -> NeuronParameters:
    """Of an order at which currents of some tens make spikes.

    Args:
        slope: most that a negative threshold is above a threshold; not signed where None.
    """
    bias, threshold = rng.integers(-3, 6, channels), rng.integers(5, 15, channels)
    return NeuronParameters(
        bias=bias,
        threshold=threshold,
        initial_potential=rng.integers(0, 8, channels),
        negative_threshold=None
        if slope is None
        else threshold + rng.integers(0, slope + 1, channels),
    )
