"""Golden model against the equations one neuron at a time, and against torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.golden import RheobaseError, run_golden
from rheobase.golden.network.bounds import Interval, effective_bias, layer_bounds
from rheobase.golden.network.exactness import exact_dtype
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.golden.run.statistics import accumulations
from tests.support import reference
from tests.support.networks.random_networks import networks, random_images, random_network
from tests.support.potentials import rate_potentials

SMALL = {"largest_channels": 4, "largest_map": 6}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks(signed=Coding, **SMALL), st.integers(0, 2**16), st.data())
def test_equals_equations_neuron_by_neuron(network, seed, data):
    steps = data.draw(st.integers(1, min(network.steps, 5)))
    radix = network.coding == Coding.RADIX
    delay = 0 if radix else data.draw(st.integers(0, steps - 1))
    images = random_images(np.random.default_rng(seed), network, 2)
    found = run_golden(network, images, steps=steps, delay=delay, record=True, batch_size=1)
    for index, image in enumerate(images):
        (output,), spikes = reference.run(network, image, steps, delay)
        scores = output[:, 0, 0].tolist()
        assert found.scores[index].tolist() == scores
        assert found.answers[index] == scores.index(max(scores))
        for record, expected in zip(found.layers, spikes, strict=True):
            if expected is not None:
                assert np.array_equal(record.spikes[index], expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(hidden=1), st.integers(0, 2**16))
def test_first_current_equals_torch(network, seed):
    images = random_images(np.random.default_rng(seed), network, 3)
    layer = network.layers[0]
    connection = layer.connections[0]
    centred = torch.from_numpy(images).double()
    centred -= torch.from_numpy(network.zero_point.copy()).double()[:, None, None]
    top, left, bottom, right = connection.padding
    padded = torch.nn.functional.pad(centred, (left, right, top, bottom))
    weight = torch.from_numpy(connection.weight.copy()).double()
    current = torch.nn.functional.conv2d(padded, weight, stride=connection.stride)
    if layer.pool:
        pool = layer.pool
        current = torch.nn.functional.max_pool2d(current, pool.kernel, pool.stride, pool.padding)
    current += torch.from_numpy(layer.bias.copy()).double()[:, None, None]
    record = run_golden(network, images, record=True).layers[0]
    assert np.array_equal(record.currents[:, 0], current.numpy())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks(signed=Coding), st.integers(0, 2**16))
def test_bounds_hold(network, seed):
    images = random_images(np.random.default_rng(seed), network, 6)
    for index, record in enumerate(run_golden(network, images, record=True).layers):
        bounds = layer_bounds(network, index)
        layer = network.layers[index]
        if layer.threshold is not None:
            if network.coding == Coding.RATE:
                before, after = rate_potentials(layer, record)
                assert after.min() >= bounds.potential.low
                assert after.max() <= bounds.potential.high
            else:
                before = layer.initial_potential[:, None, None] + record.currents
            assert before.max() <= bounds.potential.high
            assert before.min() >= bounds.potential.low


def test_bound_of_a_window_is_reached():
    network = random_network(
        np.random.default_rng(1),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=2,
        hidden=0,
    )
    weight = network.layers[0].connections[0].weight
    worst = int(weight.clip(min=0).reshape(len(weight), -1).sum(axis=1).argmax())
    image = (255 * (weight[worst] > 0)).astype(np.uint8)[None]
    current = run_golden(network, image, record=True).layers[0].currents[0, 0, worst, 0, 0]
    reached = current - effective_bias(network, 0)[worst]
    assert reached == layer_bounds(network, 0).window.high


@pytest.mark.parametrize(("magnitude", "dtype"), [(2**20, np.float32), (2**28, np.float64)])
def test_large_numbers_stay_exact(magnitude, dtype):
    """Thresholds past what float32 holds: the type must follow."""
    base = random_network(
        np.random.default_rng(3),
        coding=Coding.RADIX,
        readout=Readout.COUNT,
        rule=PoolRule.CUMULATIVE,
        steps=8,
        hidden=1,
        largest_channels=3,
        largest_map=5,
    )
    layers = tuple(
        replace(
            layer,
            bias=(layer.bias + magnitude).astype(np.int32),
            threshold=np.full_like(layer.threshold, magnitude // 100 + 1),
            initial_potential=layer.initial_potential.copy(),
        )
        for layer in base.layers
    )
    network = replace(base, layers=layers)
    assert exact_dtype(network, 0) == dtype
    images = random_images(np.random.default_rng(0), network, 2)
    found = run_golden(network, images)
    for index, image in enumerate(images):
        (output,), _ = reference.run(network, image, 8, 0)
        assert np.array_equal(found.outputs[0][index], output)


def test_batches_do_not_matter():
    network = random_network(
        np.random.default_rng(7),
        coding=Coding.RATE,
        readout=Readout.CURRENT,
        rule=PoolRule.CUMULATIVE,
        steps=6,
        hidden=2,
    )
    images = random_images(np.random.default_rng(0), network, 7)
    whole = run_golden(network, images, record=True)
    parts = run_golden(network, images, record=True, batch_size=2)
    assert np.array_equal(whole.scores, parts.scores)
    for one, other in zip(whole.layers, parts.layers, strict=True):
        assert np.array_equal(one.currents, other.currents)
        assert all(map(np.array_equal, one.events, other.events))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(signed=Coding, **SMALL), st.integers(0, 2**16), st.integers(1, 5))
def test_accumulations_counted_one_by_one(network, seed, neurons):
    """Set bits of each window that the hardware visits, counted without any formula."""
    images = random_images(np.random.default_rng(seed), network, 2)
    records = run_golden(network, images, record=True).layers
    for index, (layer, record) in enumerate(zip(network.layers, records, strict=True)):
        for number, connection in enumerate(layer.connections):
            found = accumulations(connection, record.events[number], neurons)
            for image, total in zip(range(len(images)), found, strict=True):
                trains = [r.spikes[image].astype(int) for r in records[:index]]
                assert total == reference.accumulations(
                    network, index, number, images[image], trains, neurons
                )


def test_bad_input_is_named():
    network = random_network(
        np.random.default_rng(7),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=4,
    )
    good = random_images(np.random.default_rng(0), network, 2)
    cases = [
        ((good.astype(np.int16), {}), "images: int16"),
        ((good[:, :, :-1], {}), "must be uint8"),
        ((good, {"steps": 5}), "T is 5, must be an integer in 1..4"),
        ((good, {"steps": 0}), "T is 0"),
        ((good, {"steps": 2, "delay": 2}), "t0 is 2, must be an integer in 0..1"),
    ]
    for (images, setting), message in cases:
        with pytest.raises(RheobaseError, match=message):
            run_golden(network, images, **setting)


def test_no_images_have_records_of_every_layer():
    rng = np.random.default_rng(8)
    for coding in Coding:
        network = random_network(
            rng, coding=coding, readout=Readout.COUNT, rule=PoolRule.CUMULATIVE, steps=3
        )
        images = np.zeros((0, *network.input_shape), np.uint8)
        found = run_golden(network, images, record=True)
        assert [record.name for record in found.layers] == [layer.name for layer in network.layers]
        for record, shape in zip(found.layers, network.shapes, strict=True):
            assert record.spikes.shape == (0, 3, *shape.output)
            assert record.spikes_per_neuron == 0


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1), st.integers(-(2**40), 2**40))
def test_interval_is_as_wide_as_its_numbers(values, other):
    found = Interval.of(np.array(values), other)
    assert (found.low, found.high) == (min(*values, other), max(*values, other))
    fits = [-(2**n) <= found.low and found.high < 2**n for n in range(42)]
    assert found.bits == fits.index(True) + 1
    assert found.low in found and found.high + 1 not in found
    assert found + found == found.scaled(2)
