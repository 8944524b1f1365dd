"""Membrane potentials, held against neurons that are stepped one by one in Python."""

import numpy as np
import pytest

from rheobase.golden.network.network import Coding
from rheobase.golden.network.neurons import Neurons
from rheobase.golden.run.neurons import RateNeurons, fire_radix, radix_train
from rheobase.golden.run.potentials import membrane_potentials

CHANNELS, IMAGES, STEPS = 6, 5, 4


def random_neurons(rng, signed, linear):
    threshold = rng.integers(3, 40, CHANNELS).astype(np.int32)
    negative = None
    if signed:
        negative = threshold if linear else threshold + rng.integers(0, 30, CHANNELS)
    return Neurons(threshold, (threshold // 2).astype(np.int32), negative)


@pytest.mark.parametrize(("signed", "linear"), [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize("constant", [False, True])
def test_rate(signed, linear, constant):
    rng = np.random.default_rng(3)
    neurons = random_neurons(rng, signed, linear)
    currents = rng.integers(-60, 60, (IMAGES, 1 if constant else STEPS, CHANNELS))
    model = RateNeurons(neurons, (IMAGES, 1, 1, CHANNELS), np.dtype(np.float64))
    spikes = np.zeros((STEPS, IMAGES, 1, 1, CHANNELS))
    before = np.zeros((IMAGES, STEPS, CHANNELS))
    for step in range(STEPS):
        given = currents[:, 0 if constant else step].astype(float)
        before[:, step] = model._potential.reshape(IMAGES, CHANNELS) + given
        model.step(given[:, None, None], spikes[step])
    fired = spikes.reshape(STEPS, IMAGES, CHANNELS).transpose(1, 0, 2)
    assert (fired < 0).any() == signed and (fired > 0).any()
    found = membrane_potentials(neurons, Coding.RATE, fired, currents)
    assert np.array_equal(found, before)


@pytest.mark.parametrize(("signed", "linear"), [(False, False), (True, True), (True, False)])
def test_radix(signed, linear):
    """What is left after the planes in front, one neuron and plane at a time."""
    rng = np.random.default_rng(4)
    neurons = random_neurons(rng, signed, linear)
    currents = rng.integers(-900, 900, (IMAGES, 1, CHANNELS))
    numbers = fire_radix(neurons, currents[:, 0], STEPS)
    spikes = radix_train(numbers, STEPS).transpose(1, 0, 2)
    found = membrane_potentials(neurons, Coding.RADIX, spikes, currents)
    for image in range(IMAGES):
        for channel in range(CHANNELS):
            left = int(currents[image, 0, channel]) + int(neurons.initial_potential[channel])
            below = signed and numbers[image, channel] < 0
            side = neurons.negative_threshold if below else neurons.threshold
            for step in range(STEPS):
                assert found[image, step, channel] == left
                worth = 2 ** (STEPS - 1 - step) * (-1 if signed and step == 0 else 1)
                left -= int(spikes[image, step, channel]) * worth * int(side[channel])
