"""Every tap of a window belongs to one lane, and lanes are loaded alike."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.golden import RheobaseError
from rheobase.golden.network.network import IMAGE, Connection
from rheobase.hw.design.partition import (
    lane_weights,
    largest_lanes,
    partition,
    swapped,
    swapped_weights,
)
from rheobase.hw.design.synapses import direct_channels, fed_groups, is_direct, synapses

slabs = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 12))


@settings(max_examples=50, deadline=None)
@given(slabs, st.data())
def test_each_tap_once_and_lanes_alike(slab, data):
    lanes = data.draw(st.integers(1, largest_lanes(*slab)))
    shares = partition(*slab, lanes)
    taps = [tap for lane in shares for tap in lane]
    assert len(taps) == len(set(taps)) == largest_lanes(*slab)
    sizes = [len(lane) for lane in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("channels", [8, 9, 16, 31])
def test_a_busy_channel_loads_all_lanes_alike(channels):
    for lane in partition(3, 1, channels, 3):
        seen = Counter(tap.channel for tap in lane)
        assert max(seen.values()) == 1, "a channel counts twice in one lane, so not at all in one"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 5), st.data())
def test_lanes_that_swap_hold_every_weight_once(channels, slabs, neurons, data):
    """Each weight stands where the lane that takes its channel in its slab looks for it."""
    lanes = data.draw(st.integers(1, channels))
    blocks = np.arange(1, 1 + 2 * neurons * channels * slabs)
    blocks = blocks.reshape(2, neurons, channels, 1, slabs)
    shares = partition(1, 1, channels, lanes)
    words = [swapped_weights(blocks, shares, lane) for lane in range(lanes)]
    taps = -(-channels // lanes)
    assert {w.shape for w in words} == {(2 * slabs * taps, neurons)}
    for slab in range(slabs):
        seen = []
        for lane in range(lanes):
            for number, tap in enumerate(swapped(shares, lane, slab % lanes)):
                for block in range(2):
                    word = words[lane][(block * slabs + slab) * taps + number]
                    expected = 0 if tap is None else blocks[block, :, tap.channel, 0, slab]
                    assert (word == expected).all()
                if tap is not None:
                    seen.append(tap.channel)
        assert sorted(seen) == list(range(channels))


@pytest.mark.parametrize(("channels", "lanes"), [(16, 2), (16, 3), (32, 5), (7, 3)])
def test_lanes_that_swap_are_loaded_alike_by_one_busy_channel(channels, lanes):
    shares = partition(1, 1, channels, lanes)
    for channel in range(channels):
        loads = [
            sum(
                tap is not None and tap.channel == channel
                for slab in range(9)
                for tap in swapped(shares, lane, slab % lanes)
            )
            for lane in range(lanes)
        ]
        assert max(loads) - min(loads) <= 1


@st.composite
def connections(draw):
    """Dense, grouped and depthwise, feeding some of a layer's channels."""
    kernel_groups, inputs = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    outputs = kernel_groups * draw(st.integers(1, 4))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    weight = rng.integers(1, 127, (outputs, inputs, *kernel)).astype(np.int8)
    connection = Connection(0, weight, groups=kernel_groups, out_start=draw(st.integers(0, 5)))
    return connection, connection.out_start + outputs + draw(st.integers(0, 5))


@settings(max_examples=50, deadline=None)
@given(connections(), st.booleans(), st.data())
def test_lanes_hold_every_weight(fed, pixels, data):
    """Sum over all taps of a group, lane by lane, against the kernel taken channel by channel."""
    connection, channels = fed
    neurons = data.draw(st.integers(1, channels))
    known = synapses(connection, neurons, channels)
    rows, columns = connection.kernel
    slab_columns = columns if pixels else 1
    lanes = data.draw(st.integers(1, min(6, largest_lanes(rows, slab_columns, known.channels))))
    shares = partition(rows, slab_columns, known.channels, lanes)
    words = [lane_weights(known.blocks, taps, slab_columns) for taps in shares]
    totals = sum(w.reshape(len(known.blocks), -1, neurons).sum(axis=1, dtype=int) for w in words)
    expected = np.zeros(-(-channels // neurons) * neurons, int)
    stop = connection.out_start + connection.out_channels
    expected[connection.out_start : stop] = connection.weight.sum(axis=(1, 2, 3), dtype=int)
    expected = expected.reshape(-1, neurons)
    for group, row in enumerate(expected):
        if group in known.fed:
            assert totals[known.block_of[group]].tolist() == row.tolist()
        else:
            assert not row.any()
    outputs = connection.out_channels // connection.groups
    if connection.groups == 1 or (outputs % neurons == 0 and connection.out_start % neurons == 0):
        # One copy, and zeros past the channels that are fed alone.
        stored = sum(w.size for w in words)
        assert stored == len(known.fed) * neurons * connection.weight[0].size
        assert sum(int((w != 0).sum()) for w in words) == connection.weight.size


@settings(max_examples=50, deadline=None)
@given(connections(), st.integers(1, 9))
def test_groups_see_the_channels_that_feed_them(fed, neurons):
    connection, channels = fed
    neurons = min(neurons, channels)
    known = synapses(connection, neurons, channels)
    inputs, outputs = connection.weight.shape[1], connection.out_channels // connection.groups
    for group in range(-(-channels // neurons)):
        kernel_groups = {
            (channel - connection.out_start) // outputs
            for channel in range(group * neurons, (group + 1) * neurons)
            if 0 <= channel - connection.out_start < connection.out_channels
        }
        assert (group in fed_groups(connection, neurons)) == bool(kernel_groups)
        if known.kernel_group_of is not None:
            assert kernel_groups <= {known.kernel_group_of[group]}
        elif known.seen is not None:
            seen = {p * inputs + i for p in kernel_groups for i in range(inputs)}
            assert set(np.flatnonzero(known.seen[group]).tolist()) == seen


@pytest.mark.parametrize("neurons", [2, 3])
def test_kernel_groups_that_begin_behind_the_first_group(neurons):
    """Channel by channel, where groups of P straddle kernel groups, none of which is in group 0."""
    weight = np.arange(1, 1 + 6 * 2).reshape(6, 2, 1, 1).astype(np.int8)
    connection = Connection(0, weight, groups=3, out_start=5)
    known = synapses(connection, neurons, 12)
    assert known.kernel_group_of is None and known.fed.start > 0
    stored = known.blocks.reshape(-1, 6)
    for channel in range(12):
        group, neuron = divmod(channel, neurons)
        if group not in known.fed:
            assert not 5 <= channel < 11
            continue
        expected = np.zeros(6, int)
        if 5 <= channel < 11:
            first = (channel - 5) // 2 * 2
            expected[first : first + 2] = weight[channel - 5, :, 0, 0]
        assert stored[known.block_of[group] * neurons + neuron].tolist() == expected.tolist()


def test_direct_channels():
    weight = np.ones((4, 1, 1, 1), np.int8)
    connection = Connection(0, weight, groups=2, out_start=1)
    assert is_direct(connection)
    assert direct_channels(connection, 3, 6).tolist() == [[-1, 0, 0], [1, 1, -1]]
    assert not is_direct(Connection(IMAGE, weight, groups=2))
    assert not is_direct(Connection(0, weight))


def test_too_many_lanes_are_refused():
    with pytest.raises(RheobaseError, match=r"lanes \(E\) is 7, must be an integer in 1..6"):
        partition(3, 1, 2, 7)
