"""Spike trains out of the numbers of each step, against loops and against the golden neurons."""

from __future__ import annotations

import numpy as np
import pytest

from rheobase.golden.network.neurons import Neurons
from rheobase.golden.run.neurons import RateNeurons
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.output.placed import PlacedLayout
from rheobase.hw.engine.output.spike_trains import SpikeTrains
from rheobase.hw.engine.program import Kind, pass_record
from rheobase.hw.engine.trains import TrainFormat
from tests.hw.engine.started import record_values, run_started
from tests.hw.engine.test_neurons import NO_TRAIN

DESIGN = EngineDesign(neurons=8, steps=5, pool_words=16, rate_turns=64)
BITS, DIGIT_WORDS = 5, 1000


def _found(elements, signed, trains=1):
    component = SpikeTrains(DESIGN)
    header = record_values(
        pass_record(DESIGN), kind=Kind.DIGITS, steps=BITS, fires_signed=int(signed), trains=trains,
        out_digit=DIGIT_WORDS,
    )  # fmt: skip
    return run_started(
        component,
        ports={"header": (component.header_layout, header)},
        inputs={"placed": (PlacedLayout(DESIGN), elements)},
        outputs={"trains": PlacedLayout(DESIGN)},
        starts=False,
    )["trains"]


def _element(numbers, address, at, step, train, write=1):
    return {
        "values": [int(n) & (1 << BITS) - 1 for n in numbers],
        "address": address,
        "write": write,
        "pass_ends": 0,
        "train": {
            "at": at,
            "step": {
                "first": int(step == 0),
                "ends_digit": int(train.ends_digit(step)),
                "digit": train.digit(step),
            },
        },
    }


def _spikes(numbers, signed):
    """Of numbers (T, neurons), as loops."""
    count = np.zeros(numbers.shape[1], int)
    spikes = []
    for now in numbers:
        spike = (now > count).astype(int) - (signed & (now < count))
        count += spike
        spikes.append(spike)
    return np.array(spikes)


@pytest.mark.quick
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("steps", "turns"), [(1, 3), (5, 1), (8, 2), (11, 3), (12, 7)])
def test_digits_of_spikes(steps, turns, signed):
    """Turns of a window come again with each step: one, two or more elements later."""
    rng = np.random.default_rng(steps)
    train = TrainFormat(steps, signed)
    elements, expected = [], {}
    for window in range(6):
        low = -10 if signed else 0
        numbers = rng.integers(low, 14, (turns, steps, DESIGN.firing))
        for step in range(steps):
            for turn in range(turns):
                address = 50 * window + turn
                # Two windows may be under way at a time, each with a place of its own.
                at = window % 2 * 8 + turn
                write = int(turn != 1 or turns < 3)
                elements.append(_element(numbers[turn, step], address, at, step, train, write))
                if not write:
                    continue
                spikes = _spikes(numbers[turn], signed)
                place = address + DIGIT_WORDS * train.digit(step)
                word = expected.setdefault(place, np.zeros(DESIGN.firing, int))
                for neuron, spike in enumerate(spikes[step]):
                    bits = 1 if spike > 0 else 2 if spike < 0 else 0
                    word[neuron] |= bits << train.lowest_bit(step)
    found = _found(elements, signed)
    assert len(found) == len(elements)
    written = [one for one in found if one["write"]]
    assert {one["address"]: one["values"] for one in written} == {
        address: word.tolist() for address, word in expected.items()
    }
    assert len(written) == len(expected)


@pytest.mark.parametrize("signed", [False, True])
def test_they_are_the_golden_neurons(signed):
    """Numbers of the currents so far lead to the spikes of accumulate, compare and subtract."""
    rng = np.random.default_rng(3)
    steps, count = 12, DESIGN.firing
    threshold = rng.integers(1, 40, count).astype(np.int32)
    negative = (threshold + rng.integers(0, 30, count)).astype(np.int32) if signed else None
    neurons = Neurons(threshold, threshold // 2, negative)
    currents = rng.integers(-60, 60, (steps, 1, count))
    golden = RateNeurons(neurons, (1, 1, 1, count), np.dtype(np.float64))
    spikes = np.zeros((steps, 1, 1, 1, count))
    for step in range(steps):
        golden.step(currents[step, np.newaxis, np.newaxis], spikes[step])
    potentials = neurons.initial_potential + currents[:, 0].cumsum(axis=0)
    numbers = potentials // threshold
    if signed:
        below = potentials < neurons.silent_from
        beyond = (potentials - neurons.silent_from) // negative
        numbers = np.where(below, beyond, np.maximum(numbers, 0))
    numbers = np.clip(numbers, -16 if signed else 0, 15 if signed else 31)
    train = TrainFormat(steps, signed)
    elements = [_element(now, 0, 0, step, train) for step, now in enumerate(numbers)]
    written = {one["address"]: one["values"] for one in _found(elements, signed) if one["write"]}
    found = np.zeros((steps, count), int)
    for step in range(steps):
        digits = np.array(written[DIGIT_WORDS * train.digit(step)]) >> train.lowest_bit(step)
        found[step] = (digits & 1) - (digits >> 1 & 1) * signed
    assert np.array_equal(found, spikes[:, 0, 0, 0])


def test_numbers_go_through():
    rng = np.random.default_rng(1)
    elements = [
        {"values": rng.integers(0, 1 << 20, DESIGN.firing).tolist(), "address": number + 7,
         "write": int(rng.integers(2)), "pass_ends": int(number == 39),
         "train": {"at": 0, "step": NO_TRAIN}}
        for number in range(40)
    ]  # fmt: skip
    assert _found(elements, False, trains=0) == elements


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("steps", range(1, 14))
def test_every_step_has_its_bits(steps, signed):
    """No two steps share a bit, and a digit's last step has its highest bits."""
    train = TrainFormat(steps, signed)
    seen = set()
    for step in range(steps):
        bits = {(train.digit(step), b) for b in range(4) if train.planes(step) >> b & 1}
        assert len(bits) == 1 + signed and not bits & seen
        seen |= bits
        assert train.ends_digit(step) == ((train.digit(step), 3) in bits)
    assert {digit for digit, _ in seen} == set(range(train.digits))
