"""Parameters in the engine's records fire as the layer's own do, at every current there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout
from rheobase.hw.engine.compiler.passes.neuron_parameters import neuron_parameters

STEPS = 3


def _network(weights, bias, threshold, start, negative=None) -> Network:
    """One neuron over the image's channels, and a readout of it."""

    def fields(*values):
        return [None if value is None else np.array([value], np.int32) for value in values]

    kernel = np.array(weights, np.int8).reshape(1, -1, 1, 1)
    (below,) = fields(negative)
    fires = Layer(
        "fires",
        (Connection(IMAGE, kernel),),
        *fields(bias, threshold, start),
        negative_threshold=below,
    )
    last = Layer("last", (Connection(0, np.ones((1, 1, 1, 1), np.int8)),), *fields(0, None, None))
    return Network(
        input_shape=(len(weights), 1, 1),
        zero_point=np.zeros(len(weights), np.uint8),
        layers=(fires, last),
        coding=Coding.RADIX,
        steps=STEPS,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(1,),
    )


@given(
    weights=st.lists(st.integers(-2, 2), min_size=2, max_size=2),
    bias=st.integers(-900, 900),
    threshold=st.integers(1, 2500),
    start=st.integers(0, 1300),
    slope=st.none() | st.integers(0, 2500),
)
def test_every_current(weights, bias, threshold, start, slope):
    """Integer division in Python rounds down, as the equations have it."""
    start = threshold // 2 if slope is not None else min(start, threshold)
    negative = None if slope is None else threshold + slope
    network = _network(weights, bias, threshold, start, negative)
    found, currents = neuron_parameters(network, 0)
    least = 255 * sum(min(weight, 0) for weight in weights)
    most = 255 * sum(max(weight, 0) for weight in weights)
    assert currents.low <= least and currents.high >= most
    for current in range(least, most + 1):
        potential = current + bias + start
        total = current + int(found.offset[0])
        assert currents.low <= total <= currents.high
        if negative is None:
            number = min(max(potential // threshold, 0), 2**STEPS - 1)
            same = min(max(total // int(found.threshold[0]), 0), 2**STEPS - 1)
        else:
            silent_from = -((negative - threshold) // 2)
            number = potential // threshold if potential >= 0 else 0
            if potential < silent_from:
                number = (potential - silent_from) // negative
            beyond = int(found.below[0]) - current
            assert currents.low <= int(found.below[0]) <= currents.high
            same = total // int(found.threshold[0]) if total >= 0 else 0
            if beyond >= 0:
                same = -(beyond // int(found.negative_threshold[0])) - 1
            number, same = (
                min(max(n, -(2 ** (STEPS - 1))), 2 ** (STEPS - 1) - 1) for n in (number, same)
            )
        assert same == number, current


@pytest.mark.parametrize(
    ("bias", "numbers"),
    [(5, {0}), ((1 << 27) - 40, {0, 1}), (5 << 28, {5}), ((1 << 31) - 1, {7}), (-(1 << 31), {0})],
)
def test_a_channel_of_one_number_or_two_needs_no_wide_neurons(bias, numbers):
    found, currents = neuron_parameters(_network([3], bias, 1 << 28, 1 << 27), 0)
    totals = np.arange(3 * 255 + 1) + found.offset[0]
    assert set(np.clip(totals // found.threshold[0], 0, 7)) == numbers
    assert found.threshold[0] == 3 * 255 + 1
    assert currents.bits <= 14
