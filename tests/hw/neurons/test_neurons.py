"""Rate and radix neurons against the equations of docs/meaning.md, one neuron at a time."""

import math

import numpy as np
import pytest
from amaranth import signed

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.bounds import Interval
from rheobase.hw.design.payloads import CurrentLayout
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.neurons.radix_neuron import RadixNeuron
from rheobase.hw.neurons.rate_neuron import RateNeuron
from rheobase.hw.neurons.signed_rate_neuron import SignedRateNeuron
from tests.support.networks.neurons import random_parameters, signed_spikes
from tests.support.simulation.components import check_exchange
from tests.support.slow import mostly_slow

CHANNELS, NEURONS, GROUPS = 5, 2, 3


def _word(spikes, group):
    """Spikes of one group as a word; neurons past the last channel never spike."""
    channels = range(group * NEURONS, min((group + 1) * NEURONS, CHANNELS))
    return sum(int(spikes[c]) << i for i, c in enumerate(channels))


def _currents(values, group, first, last):
    padded = np.zeros(GROUPS * NEURONS, dtype=int)
    padded[:CHANNELS] = values
    part = padded[group * NEURONS : (group + 1) * NEURONS].tolist()
    return {"currents": part, "first_step": int(first), "last_step": int(last), "group": group}


@pytest.mark.parametrize("kind", ["stepwise", "cumulative", "constant"])
@pytest.mark.parametrize("steps", mostly_slow([6, 1], 1))
def test_rate(kind, steps):
    rng = np.random.default_rng(steps)
    parameters = random_parameters(rng, CHANNELS)
    given, words = [], []
    for number in range(18):
        group = number % GROUPS
        currents = rng.integers(-10, 14, (steps, CHANNELS))
        if kind == "constant":
            currents[:] = currents[0]
        potential = parameters.initial_potential.copy()
        for step in range(steps):
            potential = potential + currents[step] + parameters.bias
            spikes = potential >= parameters.threshold
            potential = potential - parameters.threshold * spikes
            words.append(_word(spikes, group))
            shown = currents[: step + 1].sum(axis=0) if kind == "cumulative" else currents[step]
            if kind != "constant" or step == 0:
                given.append(_currents(shown, group, step == 0, step == steps - 1))
    component = RateNeuron(
        parameters,
        firing=NEURONS,
        current_shape=signed(8),
        potential=Interval(-100, 150),
        cumulative=kind == "cumulative",
        constant=kind == "constant",
        steps=8,
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(signed(8), NEURONS, GROUPS), given)},
        {"spikes": (NEURONS, words)},
        ports={"steps": steps} if kind == "constant" else None,
    )


@pytest.mark.parametrize("steps", mostly_slow([1, 4, 3], 2))
def test_radix(steps):
    rng = np.random.default_rng(steps)
    parameters = random_parameters(rng, CHANNELS)
    given, words = [], []
    for number in range(36):
        group = number % GROUPS
        currents = rng.integers(-60, 250, CHANNELS)
        potential = currents + parameters.bias + parameters.initial_potential
        numbers = np.clip(potential // parameters.threshold, 0, 2**steps - 1)
        given.append(_currents(currents, group, True, True))
        words += [_word(numbers >> (steps - 1 - step) & 1, group) for step in range(steps)]
    component = RadixNeuron(
        parameters, firing=NEURONS, current_shape=signed(9), potential=Interval(-80, 300), steps=4
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(signed(9), NEURONS, GROUPS), given)},
        {"spikes": (NEURONS, words)},
        ports={"steps": steps},
    )


@pytest.mark.parametrize("slope", [0, 20])
@pytest.mark.parametrize(
    ("steps", "style"), mostly_slow([(1, FAST), (4, FAST), (3, COMPACT), (3, FAST)], 3), ids=str
)
def test_signed_radix(steps, style, slope):
    rng = np.random.default_rng(steps)
    parameters = random_parameters(rng, CHANNELS, slope)
    given, words = [], []
    for number in range(60):
        group = number % GROUPS
        currents = rng.integers(-250, 250, CHANNELS) // (1, 4)[number % 2]
        numbers = []
        for channel, current in enumerate(currents):
            potential = current + parameters.bias[channel] + parameters.initial_potential[channel]
            threshold = int(parameters.threshold[channel])
            negative = int(parameters.negative_threshold[channel])
            least = -((negative - threshold) // 2)
            exact = max(0, math.floor(potential / threshold))
            if potential < least:
                exact = math.floor((potential - least) / negative)
            numbers.append(max(-(2 ** (steps - 1)), min(2 ** (steps - 1) - 1, exact)))
        numbers = np.array(numbers)
        given.append(_currents(currents, group, True, True))
        words += [_word(numbers >> (steps - 1 - step) & 1, group) for step in range(steps)]
    component = RadixNeuron(
        parameters,
        firing=NEURONS,
        current_shape=signed(9),
        potential=Interval(-260, 300),
        steps=4,
        style=style,
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(signed(9), NEURONS, GROUPS), given)},
        {"spikes": (NEURONS, words)},
        ports={"steps": steps},
    )


@pytest.mark.parametrize("kind", ["stepwise", "cumulative", "constant"])
@pytest.mark.parametrize(("steps", "slope"), mostly_slow([(6, 20), (1, 20), (6, 0)], 1))
def test_signed_rate(kind, steps, slope):
    rng = np.random.default_rng(steps)
    parameters = random_parameters(rng, CHANNELS, slope)
    given, words = [], []
    for number in range(30):
        group = number % GROUPS
        # Some turn round on the way, so that spikes are taken back.
        currents = rng.integers(-30, 30, (steps, CHANNELS)) + 6 * rng.integers(-4, 5, CHANNELS)
        if kind == "constant":
            currents[:] = currents[0]
        trains = [signed_spikes(parameters, c, currents[:, c]) for c in range(CHANNELS)]
        for step, spikes in enumerate(np.array([list(train) for train in trains]).T):
            words += [_word(spikes < 0, group), _word(spikes > 0, group)]
            shown = currents[: step + 1].sum(axis=0) if kind == "cumulative" else currents[step]
            if kind != "constant" or step == 0:
                given.append(_currents(shown, group, step == 0, step == steps - 1))
    assert min(np.count_nonzero(words[0::2]), np.count_nonzero(words[1::2])) > len(words) // 8
    component = SignedRateNeuron(
        parameters,
        firing=NEURONS,
        current_shape=signed(10),
        potential=Interval(-400, 400),
        cumulative=kind == "cumulative",
        constant=kind == "constant",
        steps=8,
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(signed(10), NEURONS, GROUPS), given)},
        {"spikes": (NEURONS, words)},
        ports={"steps": steps} if kind == "constant" else None,
    )


def test_neurons_out_of_range():
    parameters = random_parameters(np.random.default_rng(0), CHANNELS)
    with pytest.raises(RheobaseError, match=r"firing \(F\) is 6, must be an integer in 1..5"):
        RadixNeuron(
            parameters, firing=6, current_shape=signed(4), potential=Interval(0, 1), steps=1
        )
