"""Channels in an order that keeps lanes alike busy: the network stays what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Readout,
    count_events,
    network_hash,
    run_golden,
)
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.compiler.maps.channel_orders import RUN, channel_orders, reordered
from rheobase.hw.engine.design import EngineDesign
from tests.support.networks.random_graphs import graph_networks
from tests.support.networks.random_networks import networks, random_images, with_signed_layers


def _layer(connections: list[Connection], threshold: int | None = 50) -> Layer:
    channels = max(one.out_start + one.out_channels for one in connections)
    values = None if threshold is None else np.full(channels, threshold, np.int32)
    return Layer(
        "layer",
        tuple(connections),
        np.arange(channels, dtype=np.int32),
        values,
        None if values is None else values // 2,
    )


def _kernel(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-99, 100, shape).astype(np.int8)


def _network(layers: list[Layer], coding: Coding = Coding.RADIX, **fields) -> Network:
    named = tuple(replace(layer, name=f"layer {number}") for number, layer in enumerate(layers))
    return Network(
        input_shape=(3, 8, 8),
        zero_point=np.zeros(3, np.uint8),
        layers=named,
        coding=coding,
        steps=4,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(len(layers) - 1,),
        **fields,
    )


def _counts(rng: np.random.Generator, layers: Sequence[Layer]) -> dict[int, np.ndarray]:
    return {
        index: rng.permutation(100 * layer.out_channels)[: layer.out_channels]
        for index, layer in enumerate(layers)
    }


def _depthwise(source: int, channels: int, weight: np.ndarray) -> Connection:
    return Connection(source, weight, groups=channels, padding=(1, 1, 1, 1))


@settings(deadline=None, max_examples=60)
@given(
    network=st.one_of(graph_networks(), networks()),
    seed=st.integers(0, 2**32 - 1),
    signed=st.booleans(),
)
def test_a_reordered_network_is_the_same_network(network, seed, signed) -> None:
    rng = np.random.default_rng(seed)
    if signed:
        network = with_signed_layers(rng, network)
    _check_the_same(network, rng)


def _check_the_same(network: Network, rng: np.random.Generator) -> None:
    orders = channel_orders(network, _counts(rng, network.layers))
    images = random_images(rng, network, 3)
    network = replace(network, events=count_events(network, images))
    other = reordered(network, orders)
    again = count_events(other, images)
    expected = run_golden(network, images, record=True)
    found = run_golden(other, images, record=True)
    for map_expected, map_found in zip(expected.outputs, found.outputs, strict=True):
        np.testing.assert_array_equal(map_found, map_expected)
    assert again.channels.keys() == other.events.channels.keys()
    for index, counts in again.channels.items():
        np.testing.assert_array_equal(other.events.channels[index], counts)
    for seen, events in again.maps.items():
        np.testing.assert_array_equal(other.events.maps[seen], events)
    for index, (before, after) in enumerate(zip(expected.layers, found.layers, strict=True)):
        if before.spikes is not None:
            order = orders.get(index, slice(None))
            np.testing.assert_array_equal(after.spikes, before.spikes[:, :, order])


def test_what_may_change_places() -> None:
    rng = np.random.default_rng(1)
    layers = [
        _layer([Connection(IMAGE, _kernel(rng, 8, 3, 1, 1))]),
        _layer([_depthwise(0, 8, _kernel(rng, 8, 1, 3, 3))]),
        # Beside its kernel there is a shortcut.
        _layer(
            [
                Connection(1, _kernel(rng, 8, 8, 1, 1)),
                Connection(1, _kernel(rng, 8, 1, 1, 1), groups=8),
            ]
        ),
        # Reads half of the channels and feeds half of its own.
        _layer([Connection(2, _kernel(rng, 6, 4, 1, 1), in_start=4)]),
        _layer(
            [
                Connection(3, _kernel(rng, 4, 6, 1, 1)),
                Connection(3, _kernel(rng, 4, 6, 1, 1), out_start=4),
            ]
        ),
        _layer([Connection(4, _kernel(rng, 8, 4, 1, 1), groups=2)]),
        _layer([Connection(5, _kernel(rng, 5, 8, 8, 8))], threshold=None),
    ]
    network = _network(layers)
    counts = _counts(rng, layers)
    # Layers 0 to 2 have one order, and half of layer 2 is read; 3 is free, 4 is fed in halves.
    assert set(channel_orders(network, counts)) == {3}
    whole = [*layers[:3], _layer([Connection(2, _kernel(rng, 6, 8, 1, 1))]), *layers[4:]]
    _check_the_same(_network(whole), rng)
    orders = channel_orders(_network(whole), counts)
    assert set(orders) == {0, 1, 2, 3}
    np.testing.assert_array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])
    # What the depthwise kernel reads says which.
    by_events = np.argsort(counts[0], kind="stable")
    np.testing.assert_array_equal(np.sort(orders[0][:RUN]), np.sort(by_events[:RUN]))
    np.testing.assert_array_equal(orders[0][RUN:], by_events[RUN:][::-1])


def test_a_layer_of_which_nothing_is_known_stays() -> None:
    rng = np.random.default_rng(2)
    layers = [
        _layer([Connection(IMAGE, _kernel(rng, 8, 3, 1, 1))]),
        _layer([Connection(0, _kernel(rng, 5, 8, 8, 8))], threshold=None),
    ]
    assert not channel_orders(_network(layers), {})


def test_lanes_have_as_many_events_as_one_another() -> None:
    """Digits turn through lanes, so channels that are a multiple of four apart share one."""
    events = np.sort(np.random.default_rng(3).integers(0, 1000, 64))
    rng = np.random.default_rng(3)
    layers = [
        _layer([Connection(IMAGE, _kernel(rng, 64, 3, 1, 1))]),
        _layer([Connection(0, _kernel(rng, 5, 64, 8, 8))], threshold=None),
    ]
    placed = events[channel_orders(_network(layers), {0: events})[0]]
    shares, plain = (values.reshape(-1, 4, 4).sum(axis=1) for values in (placed, events))
    assert np.all(2 * np.ptp(shares, axis=1) < np.ptp(plain, axis=1))


def test_a_program_says_how_its_maps_lie() -> None:
    rng = np.random.default_rng(6)
    layers = [
        _layer([Connection(IMAGE, _kernel(rng, 8, 3, 3, 3))], threshold=5000),
        _layer([Connection(0, _kernel(rng, 5, 8, 6, 6))], threshold=None),
    ]
    network = _network(layers)
    design = EngineDesign(lanes=4, neurons=8, firing=8)
    assert not any(place.order for place in compile_network(network, design).program.maps)
    counts = count_events(network, random_images(rng, network, 3))
    program = compile_network(replace(network, events=counts), design).program
    order = channel_orders(network, counts.channels)[0]
    assert program.maps[0].order == tuple(order.tolist()) != tuple(range(8))
    assert program.maps[1].order == ()
    assert program.network_hash == network_hash(network)
