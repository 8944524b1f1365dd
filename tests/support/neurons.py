"""Random thresholds, biases and initial potentials of a layer."""

from __future__ import annotations

import numpy as np

from rheobase.hw.design.neuron_parameters import NeuronParameters


def random_parameters(rng: np.random.Generator, channels: int) -> NeuronParameters:
    """Of an order at which currents of some tens make spikes."""
    return NeuronParameters(
        bias=rng.integers(-3, 6, channels),
        threshold=rng.integers(5, 15, channels),
        initial_potential=rng.integers(0, 8, channels),
    )
