"""Random thresholds, biases and initial potentials of a layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from rheobase.hw.design.neuron_parameters import NeuronParameters


def signed_spikes(
    parameters: NeuronParameters, channel: int, currents: Iterable[int]
) -> Iterator[int]:
    """A signed neuron's spikes in ``rate``: each leads the net count to what has come (-1, 0, 1).

    Args:
        currents: of each step, without the bias.
    """
    threshold = int(parameters.threshold[channel])
    negative = int(parameters.negative_threshold[channel])
    least = -((negative - threshold) // 2)
    total, net = int(parameters.initial_potential[channel]), 0
    for current in currents:
        total += int(current) + int(parameters.bias[channel])
        wanted = max(0, math.floor(total / threshold))
        if total < least:
            wanted = math.floor((total - least) / negative)
        spike = (wanted > net) - (wanted < net)
        net += spike
        yield spike


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
