"""Neurons that take turns: each component alone, and both around radix neurons."""

import numpy as np
import pytest
from amaranth import Module, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.bounds import Interval
from rheobase.hw.basics.queue import Queue
from rheobase.hw.basics.shapes import count_shape
from rheobase.hw.basics.step_words import step_words
from rheobase.hw.design.payloads import CurrentLayout
from rheobase.hw.neurons.current_turns import CurrentTurns
from rheobase.hw.neurons.radix_neuron import RadixNeuron
from rheobase.hw.neurons.rate_neuron import RateNeuron
from rheobase.hw.neurons.signed_rate_neuron import SignedRateNeuron
from rheobase.hw.neurons.spike_turns import SpikeTurns
from tests.support.networks.neurons import random_parameters, signed_spikes
from tests.support.simulation.components import check_exchange, word
from tests.support.slow import mostly_slow

SHAPE = signed(9)
FOLDINGS = pytest.mark.parametrize(
    ("neurons", "firing"), mostly_slow([(6, 2), (5, 1), (4, 1), (2, 1)], 2)
)


def _beat(currents, group):
    return {
        "currents": [int(c) for c in currents],
        "first_step": 1,
        "last_step": 1,
        "group": group,
    }


@pytest.mark.parametrize("every_other", [False, True])
@pytest.mark.parametrize(
    ("neurons", "firing"), mostly_slow([(6, 2), (5, 1), (24, 2), (4, 1), (2, 1), (16, 1)], 3)
)
def test_currents_go_out_in_turns(neurons, firing, every_other):
    rng = np.random.default_rng(neurons)
    turns = neurons // firing
    numbered = 1 << (turns - 1).bit_length()
    given, taken = [], []
    for number in range(30):
        currents = rng.integers(-200, 200, neurons)
        given.append(_beat(currents, number % 3))
        for turn, part in enumerate(currents.reshape(turns, firing)):
            taken.append(_beat(part, number % 3 * numbered + turn))
    component = CurrentTurns(
        SHAPE, neurons=neurons, firing=firing, groups=3, every_other=every_other
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(SHAPE, neurons, 3), given)},
        {"turns": (CurrentLayout(SHAPE, firing, 3 * numbered), taken)},
    )


@FOLDINGS
@pytest.mark.parametrize("steps", mostly_slow([1, 4, 3], 2))
def test_spikes_come_together(neurons, firing, steps):
    rng = np.random.default_rng(neurons + steps)
    given, words = [], []
    for _ in range(25):
        spikes = rng.integers(0, 2, (steps, neurons))
        for turn in range(0, neurons, firing):
            given += [word(step[turn : turn + firing]) for step in spikes]
        words += [word(step) for step in spikes]
    check_exchange(
        SpikeTurns(neurons=neurons, firing=firing, steps=4),
        {"spikes": (firing, given)},
        {"words": (neurons, words)},
        ports={"steps": steps},
    )


class _Neurons(wiring.Component):
    """What ``NeuronGroup`` makes of them."""

    def __init__(self, component, *, neurons, firing, groups, steps, unhurried=False, planes=1):
        self.turns = CurrentTurns(
            SHAPE, neurons=neurons, firing=firing, groups=groups, every_other=unhurried
        )
        self.neurons = component
        self.waiting = Queue(self.turns.turns.payload.shape(), 1 if unhurried else 2)
        self.trains = SpikeTurns(neurons=neurons, firing=firing, steps=steps * planes)
        self.planes = planes
        super().__init__(
            {
                "currents": In(stream.Signature(CurrentLayout(SHAPE, neurons, groups))),
                "steps": In(count_shape(steps)),
                "words": Out(stream.Signature(neurons)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.turns, self.waiting, self.neurons, self.trains]
        wiring.connect(m, wiring.flipped(self.currents), self.turns.currents)
        wiring.connect(m, self.turns.turns, self.waiting.input)
        wiring.connect(m, self.waiting.output, self.neurons.currents)
        wiring.connect(m, self.neurons.spikes, self.trains.spikes)
        wiring.connect(m, self.trains.words, wiring.flipped(self.words))
        m.d.comb += [
            self.neurons.steps.eq(self.steps),
            self.trains.steps.eq(step_words(self.steps, self.planes)),
        ]
        return m


@FOLDINGS
@pytest.mark.parametrize("unhurried", [False, True])
@pytest.mark.parametrize("steps", [1, 4])
def test_neurons_in_turns_fire_as_the_equations_say(neurons, firing, steps, unhurried):
    rng = np.random.default_rng(steps)
    channels = 2 * neurons + 1  # the last group has a single channel
    parameters = random_parameters(rng, channels)
    given, words = [], []
    for number in range(30):
        group = number % 3
        currents = rng.integers(-60, 250, 3 * neurons)
        currents[channels:] = 0
        potential = currents[:channels] + parameters.bias + parameters.initial_potential
        numbers = np.zeros(3 * neurons, int)
        numbers[:channels] = np.clip(potential // parameters.threshold, 0, 2**steps - 1)
        own = slice(group * neurons, (group + 1) * neurons)
        given.append(_beat(currents[own], group))
        words += [word(numbers[own] >> (steps - 1 - step) & 1) for step in range(steps)]
    radix = RadixNeuron(
        parameters.in_turns(neurons, firing),
        firing=firing,
        current_shape=SHAPE,
        potential=Interval(-300, 300),
        steps=4,
    )
    component = _Neurons(
        radix, neurons=neurons, firing=firing, groups=3, steps=4, unhurried=unhurried
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(SHAPE, neurons, 3), given)},
        {"words": (neurons, words)},
        ports={"steps": steps},
    )


@FOLDINGS
@pytest.mark.parametrize("kind", ["stepwise", "cumulative", "constant"])
def test_rate_neurons_in_turns_keep_their_potentials_apart(neurons, firing, kind):
    rng = np.random.default_rng(neurons)
    steps, channels = 5, 2 * neurons + 1
    parameters = random_parameters(rng, channels)
    given, words = [], []
    for number in range(12):
        group = number % 3
        own = slice(group * neurons, (group + 1) * neurons)
        currents = rng.integers(-10, 14, (steps, 3 * neurons))
        currents[:, channels:] = 0
        if kind == "constant":
            currents[:] = currents[0]
        potential = parameters.initial_potential.copy()
        for step in range(steps):
            potential = potential + currents[step, :channels] + parameters.bias
            spikes = np.zeros(3 * neurons, int)
            spikes[:channels] = potential >= parameters.threshold
            potential = potential - parameters.threshold * spikes[:channels]
            words.append(word(spikes[own]))
            shown = currents[: step + 1].sum(axis=0) if kind == "cumulative" else currents[step]
            marks = {"first_step": int(step == 0), "last_step": int(step == steps - 1)}
            if kind != "constant" or step == 0:
                given.append(_beat(shown[own], group) | marks)
    rate = RateNeuron(
        parameters.in_turns(neurons, firing),
        firing=firing,
        current_shape=SHAPE,
        potential=Interval(-200, 300),
        cumulative=kind == "cumulative",
        constant=kind == "constant",
        steps=5,
        turns=neurons // firing,
    )
    # The steps of a constant current are a train of one turn.
    component = _Neurons(
        rate, neurons=neurons, firing=firing, groups=3, steps=steps if kind == "constant" else 1
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(SHAPE, neurons, 3), given)},
        {"words": (neurons, words)},
        ports={"steps": steps if kind == "constant" else 1},
    )


@pytest.mark.parametrize(
    ("neurons", "firing", "kind", "slope"),
    mostly_slow(
        [
            (6, 2, "stepwise", 20),
            (2, 1, "cumulative", 0),
            (5, 1, "constant", 20),
            (4, 1, "stepwise", 0),
        ],
        3,
    ),
)
def test_signed_rate_neurons_in_turns(neurons, firing, kind, slope):
    rng = np.random.default_rng(neurons)
    steps, channels = 5, 2 * neurons + 1
    parameters = random_parameters(rng, channels, slope)
    given, words = [], []
    for number in range(12):
        group = number % 3
        own = slice(group * neurons, (group + 1) * neurons)
        currents = rng.integers(-30, 30, (steps, 3 * neurons))
        currents[:, channels:] = 0
        if kind == "constant":
            currents[:] = currents[0]
        spikes = np.zeros((steps, 3 * neurons), int)
        for channel in range(channels):
            spikes[:, channel] = list(signed_spikes(parameters, channel, currents[:, channel]))
        for step, now in enumerate(spikes[:, own]):
            words += [word(now < 0), word(now > 0)]
            shown = currents[: step + 1].sum(axis=0) if kind == "cumulative" else currents[step]
            marks = {"first_step": int(step == 0), "last_step": int(step == steps - 1)}
            if kind != "constant" or step == 0:
                given.append(_beat(shown[own], group) | marks)
    rate = SignedRateNeuron(
        parameters.in_turns(neurons, firing),
        firing=firing,
        current_shape=SHAPE,
        potential=Interval(-300, 300),
        cumulative=kind == "cumulative",
        constant=kind == "constant",
        steps=5,
        turns=neurons // firing,
    )
    of_turn = steps if kind == "constant" else 1
    component = _Neurons(rate, neurons=neurons, firing=firing, groups=3, steps=of_turn, planes=2)
    check_exchange(
        component,
        {"currents": (CurrentLayout(SHAPE, neurons, 3), given)},
        {"words": (neurons, words)},
        ports={"steps": of_turn},
    )


@pytest.mark.parametrize(("firing", "accepted"), [(0, "1..5"), (6, "1..5"), (4, "divisor of 6")])
def test_firing_neurons_out_of_range(firing, accepted):
    with pytest.raises(RheobaseError, match=rf"\(F\) is {firing}, must be .*{accepted}"):
        CurrentTurns(SHAPE, neurons=6, firing=firing, groups=1)
    with pytest.raises(RheobaseError, match=rf"\(F\) is {firing}, must be .*{accepted}"):
        SpikeTurns(neurons=6, firing=firing, steps=2)
