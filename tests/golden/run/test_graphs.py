"""Graphs: the golden model against the equations, against torch, and against hand arithmetic."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Readout,
    SumPool,
    run_golden,
)
from rheobase.golden.network.bounds import Interval, effective_bias, layer_bounds
from rheobase.golden.run.statistics import accumulations
from tests.support import reference
from tests.support.networks.random_graphs import graph_networks
from tests.support.networks.random_networks import random_images
from tests.support.potentials import rate_potentials


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graph_networks(signed=Coding, own_steps=True), st.integers(0, 2**16), st.data())
def test_equals_equations_neuron_by_neuron(network, seed, data):
    steps = data.draw(st.integers(1, network.steps))
    radix = network.coding == Coding.RADIX
    delay = 0 if radix else data.draw(st.integers(0, steps - 1))
    neurons = data.draw(st.integers(1, 4))
    images = random_images(np.random.default_rng(seed), network, 2)
    found = run_golden(network, images, steps=steps, delay=delay, record=True)
    for image in range(2):
        outputs, trains = reference.run(network, images[image], steps, delay)
        for one, other in zip(found.outputs, outputs, strict=True):
            assert np.array_equal(one[image], other)
        for index, (layer, record) in enumerate(zip(network.layers, found.layers, strict=True)):
            if trains[index] is not None:
                assert np.array_equal(record.spikes[image], trains[index])
            for number, connection in enumerate(layer.connections):
                counted = accumulations(connection, record.events[number], neurons)[image]
                assert counted == reference.accumulations(
                    network, index, number, images[image], trains, neurons
                )
    first = found.outputs[0]
    answers = first.argmax(axis=1)
    if first.shape[2:] == (1, 1):
        first, answers = first[:, :, 0, 0], answers[:, 0, 0]
    assert np.array_equal(found.scores, first) and np.array_equal(found.answers, answers)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    graph_networks(signed=Coding, own_steps=True, largest_steps=16, largest_map=9),
    st.integers(0, 2**16),
)
def test_bounds_hold_and_batches_do_not_matter(network, seed):
    images = random_images(np.random.default_rng(seed), network, 5)
    whole = run_golden(network, images, record=True, threads=1)
    parts = run_golden(network, images, record=True, batch_size=2, threads=3)
    assert all(map(np.array_equal, whole.outputs, parts.outputs))
    for index, (record, other) in enumerate(zip(whole.layers, parts.layers, strict=True)):
        assert np.array_equal(record.currents, other.currents)
        assert all(map(np.array_equal, record.events, other.events))
        layer, bounds = network.layers[index], layer_bounds(network, index)
        repeats = network.steps if network.coding == Coding.RATE else 1
        currents = np.broadcast_to(
            record.currents, (len(images), repeats, *record.currents.shape[2:])
        )
        reached = [currents.cumsum(axis=1)]
        if layer.threshold is not None:
            reached[0] += layer.initial_potential[:, None, None]
            if network.coding == Coding.RATE:
                reached = rate_potentials(layer, record)
        for potential in reached:
            assert bounds.potential.low <= potential.min()
            assert potential.max() <= bounds.potential.high


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    graph_networks(
        signed=Coding, own_steps=True, largest_steps=3, largest_map=9, largest_channels=8
    ),
    st.integers(0, 2**16),
)
def test_currents_equal_torch(network, seed):
    """Sums of torch's convolutions and average poolings, on the recorded spikes of each step."""
    images = random_images(np.random.default_rng(seed), network, 3)
    records = run_golden(network, images, record=True).layers
    pixels = images.astype(float) - network.zero_point[:, None, None]
    for layer, record in zip(network.layers, records, strict=True):
        if layer.pool is not None:
            continue
        found = 0
        for connection in layer.connections:
            source = connection.source
            if source == IMAGE:
                maps = pixels[:, None]
            else:
                maps = records[source].spikes.astype(float)
                if network.coding == Coding.RADIX:
                    worth = 2.0 ** np.arange(maps.shape[1])[::-1]
                    worth[0] *= -1 if network.layers[source].signed else 1
                    maps = np.tensordot(maps, worth, ((1,), (0,)))[:, None]
            current = _torch_current(
                connection, torch.from_numpy(maps.reshape(-1, *maps.shape[2:]))
            )
            current = current.reshape(*maps.shape[:2], *current.shape[1:])
            after = layer.out_channels - connection.out_start - connection.out_channels
            found = found + np.pad(
                current, [(0, 0), (0, 0), (connection.out_start, after), (0, 0), (0, 0)]
            )
        assert np.array_equal(record.currents, found + layer.bias[:, None, None])


def _torch_current(connection, maps):
    maps = maps[:, connection.in_start : connection.in_start + connection.in_channels]
    sums = connection.sum_pool
    if sums is not None:
        top, left, bottom, right = sums.padding
        maps = torch.nn.functional.pad(maps, (left, right, top, bottom))
        maps = torch.nn.functional.avg_pool2d(maps, sums.kernel, sums.stride, divisor_override=1)
    top, left, bottom, right = connection.padding
    maps = torch.nn.functional.pad(maps, (left, right, top, bottom))
    weight = torch.from_numpy(connection.weight.astype(float))
    return torch.nn.functional.conv2d(
        maps, weight, None, connection.stride, 0, connection.dilation, connection.groups
    ).numpy()


def _layer(name, *connections, bias=(0,), threshold=None):
    fires = threshold is not None
    return Layer(
        name,
        connections,
        np.array(bias, np.int32),
        np.array(threshold, np.int32) if fires else None,
        np.zeros(len(bias), np.int32) if fires else None,
    )


def _scalar(source, weight, **fields):
    return Connection(source, np.array([[[[weight]]]], np.int8), **fields)


def test_residual_by_hand():
    """Two pixels, an identity shortcut over one layer, the sum of both positions read out.

    Pixels 5 and 1, zero point 1: currents 4 and 0. Layer "a", threshold 4: spikes 1 1 1 and
    0 0 0. "b" has threshold 2 and weight 1: potentials 1, 2 -> 0, 1 spike at t = 2 alone. "sum"
    gets 3 from "b" and 2 (the shortcut) from "a", and its bias -1: 1, 4, 1 and -1, -1, -1.
    Threshold 3: potential 1; 5 -> 2 with a spike; 3 -> 0 with a spike. The readout: 7 for each.
    """
    network = Network(
        (1, 1, 2),
        np.array([1], np.uint8),
        (
            _layer("a", _scalar(IMAGE, 1), threshold=[4]),
            _layer("b", _scalar(0, 1), threshold=[2]),
            _layer("sum", _scalar(1, 3), _scalar(0, 2), bias=[-1], threshold=[3]),
            _layer("read", _scalar(2, 7, sum_pool=SumPool((1, 2), (1, 1)))),
        ),
        Coding.RATE,
        3,
        0,
        Readout.CURRENT,
        (3,),
    )
    found = run_golden(network, np.array([[[[5, 1]]]], np.uint8), record=True)
    trains = [record.spikes[0, :, 0, 0].T.tolist() for record in found.layers[:3]]
    assert trains == [[[1, 1, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 0]], [[0, 1, 1], [0, 0, 0]]]
    assert found.layers[2].currents[0, :, 0, 0].T.tolist() == [[1, 4, 1], [-1, -1, -1]]
    assert found.scores.tolist() == [[14]] and found.answers.tolist() == [0]
    assert [events.tolist() for events in found.layers[2].events] == [[[1]], [[3]]]


def _signed(coding, steps):
    """Pixel less 100 in front of a signed neuron of 4 and 12; v(0) is 2, L is -4."""
    neuron = replace(
        _layer("signed", _scalar(IMAGE, 1), threshold=[4]),
        initial_potential=np.array([2], np.int32),
        negative_threshold=np.array([12], np.int32),
    )
    read = _layer("read", _scalar(0, 1))
    zero_point = np.array([100], np.uint8)
    return Network((1, 1, 1), zero_point, (neuron, read), coding, steps, 0, Readout.CURRENT, (1,))


def test_a_signed_radix_neuron_by_hand():
    """v = current + 2: 4 and more is 1, -4 to 3 is 0, -16 to -5 is -1, down to -4 in 3 planes."""
    currents = np.array([50, 14, 13, 2, 1, -6, -7, -18, -19, -99])
    images = (100 + currents).astype(np.uint8).reshape(-1, 1, 1, 1)
    found = run_golden(_signed(Coding.RADIX, 3), images, record=True)
    assert found.scores[:, 0].tolist() == [3, 3, 3, 1, 0, 0, -1, -1, -2, -4]
    planes = found.layers[0].spikes[:, :, 0, 0, 0].astype(int).tolist()
    assert planes[0] == [0, 1, 1] and planes[-4] == [1, 1, 1] and planes[-1] == [1, 0, 0]
    assert found.layers[1].events[0].tolist()[0] == [2]


def test_layers_with_a_t_of_their_own_by_hand():
    """Threshold 1: "a" fires 0 to 7, "b" the same with 3 planes of 4, signed "c" -2 to 1 with 2.

    The sum takes 10 a + 1 c + 1 b, so that a plane counts what its own train says. At T = 2 "a"
    fires 0 to 3, and so does "b"; the planes of "c" are as before.
    """
    a, b, c = (
        replace(_layer(name, _scalar(IMAGE, 1), bias=[-100], threshold=[1]), steps=steps)
        for name, steps in (("a", None), ("b", 3), ("c", 2))
    )
    c = replace(c, negative_threshold=c.threshold.copy())
    total = _layer("sum", _scalar(0, 10), _scalar(2, 1), _scalar(1, 1))
    network = Network(
        (1, 1, 1),
        np.zeros(1, np.uint8),
        (a, b, c, total),
        Coding.RADIX,
        4,
        0,
        Readout.CURRENT,
        (3,),
    )
    images = np.array([90, 101, 106, 120], np.uint8).reshape(-1, 1, 1, 1)
    found = run_golden(network, images, record=True)
    assert found.scores[:, 0].tolist() == [-2, 10 + 1 + 1, 60 + 1 + 6, 150 + 1 + 7]
    assert [record.spikes.shape[1] for record in found.layers[:3]] == [4, 3, 2]
    assert [event[:, 0].tolist() for event in found.layers[3].events] == [
        [0, 1, 2, 4],
        [1, 1, 1, 1],
        [0, 1, 2, 3],
    ]
    assert layer_bounds(network, 3).window == Interval(-2, 150 + 1 + 7)
    shorter = run_golden(network, images, steps=2, record=True)
    assert shorter.scores[:, 0].tolist() == [-2, 10 + 1 + 1, 30 + 1 + 3, 30 + 1 + 3]
    assert [record.spikes.shape[1] for record in shorter.layers[:3]] == [2, 2, 2]


def test_a_signed_rate_neuron_by_hand():
    """A net count below zero costs 12 a spike, one above zero 4.

    Current -5: -3 stays; -8 fires, 4 is left; -1; -6 fires, 6 is left, which is less than the
    12 - 4 that takes a spike back. Current 3: 5 fires, 1; 4 fires, 0; 3; 6 fires, 2.
    """
    images = np.array([95, 103], np.uint8).reshape(-1, 1, 1, 1)
    found = run_golden(_signed(Coding.RATE, 4), images, record=True)
    assert found.layers[0].spikes[:, :, 0, 0, 0].tolist() == [[0, -1, 0, -1], [1, 1, 0, 1]]
    assert found.scores[:, 0].tolist() == [-2, 3]
    assert [event[:, 0].tolist() for event in found.layers[1].events] == [[2, 3]]
    assert found.layers[0].spikes_per_neuron == 2.5


def test_a_signed_rate_neuron_takes_spikes_back():
    """Two sources: 9 at first and then nothing but -5 a step, when a spike of the first follows.

    Threshold 4 and 12, v(0) 2: 11 fires, 7; 2; -3 takes a spike back, 1; -4 stays; -9 fires.
    """
    first = _layer("first", _scalar(IMAGE, 1), threshold=[100], bias=[-100])
    first = replace(first, initial_potential=np.array([200], np.int32))
    signed = replace(
        _layer("signed", _scalar(0, 14), bias=[-5], threshold=[4]),
        initial_potential=np.array([2], np.int32),
        negative_threshold=np.array([12], np.int32),
    )
    read = _layer("read", _scalar(1, 1))
    network = Network(
        (1, 1, 1),
        np.zeros(1, np.uint8),
        (first, signed, read),
        Coding.RATE,
        5,
        0,
        Readout.CURRENT,
        (2,),
    )
    records = run_golden(network, np.zeros((1, 1, 1, 1), np.uint8), record=True).layers
    assert records[0].spikes.ravel().tolist() == [1, 0, 0, 0, 0]
    assert records[1].spikes.ravel().tolist() == [1, 0, -1, 0, -1]


def test_spikes_may_lead_the_potential_past_zero():
    """v(0) is 100 and each of 20 steps takes 1: 9 spikes of 10 leave less than no potential.

    Signed from -100 on, with 1 a step more, 9 negative spikes leave more than none.
    """
    falls, rises = (
        replace(
            _layer("a", _scalar(IMAGE, 0), bias=[bias], threshold=[10]),
            initial_potential=np.array([start], np.int32),
            negative_threshold=negative,
        )
        for bias, start, negative in ((-1, 100, None), (1, -100, np.array([10], np.int32)))
    )
    for layer, spikes, last in ((falls, 9, -10), (rises, -9, 10)):
        network = Network(
            (1, 1, 1),
            np.zeros(1, np.uint8),
            (layer, _layer("b", _scalar(0, 1))),
            Coding.RATE,
            20,
            0,
            Readout.CURRENT,
            (1,),
        )
        record = run_golden(network, np.zeros((1, 1, 1, 1), np.uint8), record=True).layers[0]
        before, _ = rate_potentials(layer, record)
        assert before.ravel()[-1] == last and record.spikes.astype(int).ravel()[:-1].sum() == spikes
        assert last in layer_bounds(network, 0).potential


def test_zero_point_counts_once_for_each_pixel_of_a_sum():
    sums = SumPool((2, 2), (2, 2))
    network = Network(
        (1, 2, 2),
        np.array([10], np.uint8),
        (_layer("read", _scalar(IMAGE, 3, sum_pool=sums), bias=[5]),),
        Coding.RADIX,
        1,
        0,
        Readout.CURRENT,
        (0,),
    )
    image = np.array([[[[11, 10], [9, 14]]]], np.uint8)
    assert effective_bias(network, 0).tolist() == [5 - 3 * 40]
    assert run_golden(network, image).scores.tolist() == [[5 + 3 * (1 + 0 - 1 + 4)]]
    assert layer_bounds(network, 0).window == Interval(0, 3 * 4 * 255)
