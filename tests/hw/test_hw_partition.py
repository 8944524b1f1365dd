"""Every tap of a window belongs to one lane, and lanes are loaded alike."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheobase.golden import RheobaseError
from rheobase.golden.network import Connection
from rheobase.hw.partition import lane_weights, largest_lanes, partition


@st.composite
def connections(draw):
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 12)), *draw(
        st.tuples(st.integers(1, 4), st.integers(1, 4))))  # fmt: skip
    weight = np.random.default_rng(draw(st.integers(0, 999))).integers(-128, 128, shape)
    return Connection(source=0, weight=weight.astype(np.int8))


@given(connections(), st.booleans(), st.data())
def test_each_tap_once_and_lanes_alike(connection, pixels, data):
    lanes = data.draw(st.integers(1, largest_lanes(connection, pixels)))
    parts = partition(connection, lanes, pixels=pixels)
    taps = [tap for lane in parts.lanes for tap in lane]
    assert len(taps) == len(set(taps)) == largest_lanes(connection, pixels)
    sizes = [len(lane) for lane in parts.lanes]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("channels", [8, 9, 16, 31])
def test_a_busy_channel_loads_all_lanes_alike(channels):
    weight = np.zeros((1, channels, 3, 3), np.int8)
    parts = partition(Connection(source=0, weight=weight), 3, pixels=False)
    for lane in parts.lanes:
        seen = Counter(tap.channel for tap in lane)
        assert max(seen.values()) == 1, "a channel counts twice in one lane, so not at all in one"


@given(connections(), st.booleans(), st.data())
def test_weights_of_all_lanes_are_one_copy(connection, pixels, data):
    lanes = data.draw(st.integers(1, largest_lanes(connection, pixels)))
    neurons = data.draw(st.integers(1, connection.out_channels))
    parts = partition(connection, lanes, pixels=pixels)
    words = np.concatenate([lane_weights(connection, parts, i, neurons) for i in range(lanes)])
    taps = connection.weight[0].size
    groups = -(-connection.out_channels // neurons)
    assert words.shape == (groups * taps, neurons)
    padding = groups * neurons * taps - connection.weight.size
    found = Counter(words.ravel().tolist())
    found[0] -= padding
    expected = Counter(connection.weight.ravel().tolist())
    assert {k: v for k, v in found.items() if v} == expected


def test_too_many_lanes_are_refused():
    connection = Connection(source=0, weight=np.zeros((1, 2, 3, 3), np.int8))
    with pytest.raises(RheobaseError, match=r"lanes \(E\) is 7, accepted is an integer in 1..6"):
        partition(connection, 7, pixels=False)
