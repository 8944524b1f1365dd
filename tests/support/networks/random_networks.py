"""Random small networks over the whole space that the format allows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Pool, PoolRule, Readout
from rheobase.golden.network.network import layer_shape
from rheobase.hw.design.folding import Folding, LayerFolding, connection_row_words, most_lanes
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.design.synapses import is_streamed

POOLS = (None, (2, 2, 0), (3, 2, 0), (3, 2, 1))


def random_layer(
    rng: np.random.Generator,
    name: str,
    source: int,
    input_shape: tuple[int, int, int],
    *,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    pool: Pool | None,
    fires: bool,
    magnitude: float,
) -> Layer:
    """Weights of a random width; thresholds near the spread of the currents, so neurons spike.

    ``magnitude`` is the root mean square of one input.
    """
    bits = int(rng.integers(2, 9))
    limit = 2 ** (bits - 1)
    shape = (out_channels, input_shape[0], *kernel)
    weight = rng.integers(-limit, limit, shape).astype(np.int8)
    spread = max(1.0, magnitude * limit * np.sqrt(weight[0].size / 3))
    threshold = initial = None
    if fires:
        threshold = rng.integers(1, max(2, int(spread * 1.5)), out_channels).astype(np.int32)
        initial = (threshold // 2).astype(np.int32)
        if rng.random() < 0.2:
            initial = rng.integers(-int(spread) - 1, int(spread) + 2, out_channels).astype(np.int32)
    reach = int(spread / 4) + 1
    bias = rng.integers(-reach, reach + 1, out_channels).astype(np.int32)
    connection = Connection(source, weight, bits, stride, padding)
    return Layer(name, (connection,), bias, threshold, initial, pool)


def random_network(
    rng: np.random.Generator,
    *,
    coding: Coding,
    readout: Readout,
    rule: PoolRule,
    steps: int,
    hidden: int = 1,
    largest_channels: int = 20,
    largest_map: int = 9,
) -> Network:
    """``hidden`` convolutions (kernel 1-5, stride 1-2, padding 0-2) and a layer over the whole map.

    Pooling is none, 2x2, or 3x3 with stride 2, with and without padding.
    """
    shape = (
        int(rng.integers(1, 4)),
        int(rng.integers(4, largest_map + 1)),
        int(rng.integers(4, largest_map + 1)),
    )
    input_shape = shape
    layers = []
    magnitude = 90.0
    for index in range(hidden):
        layer = None
        while layer is None:
            kernel = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
            padding = tuple(
                int(rng.integers(0, min(2, kernel[axis % 2] - 1) + 1)) for axis in range(4)
            )
            chosen = POOLS[rng.integers(len(POOLS))]
            pool = chosen and Pool((chosen[0],) * 2, (chosen[1],) * 2, (chosen[2],) * 2, rule)
            candidate = random_layer(
                rng,
                f"conv{index}",
                index - 1 if index else IMAGE,
                shape,
                out_channels=int(rng.integers(1, largest_channels + 1)),
                kernel=kernel,
                stride=(int(rng.integers(1, 3)), int(rng.integers(1, 3))),
                padding=padding,
                pool=pool,
                fires=True,
                magnitude=magnitude,
            )
            result = layer_shape(candidate, (shape,))
            if min(*result.conv, *result.output) >= 1:
                layer = candidate
        layers.append(layer)
        shape = layer_shape(layer, (shape,)).output
        magnitude = 0.5 if coding == Coding.RATE else 2.0 ** (steps - 1)
    fires = readout == Readout.COUNT
    layers.append(
        random_layer(
            rng,
            "last",
            hidden - 1 if hidden else IMAGE,
            shape,
            out_channels=int(rng.integers(1, 12)),
            kernel=shape[1:],
            stride=(1, 1),
            padding=(0, 0, 0, 0),
            pool=None,
            fires=fires,
            magnitude=magnitude,
        )
    )
    zero_point = rng.integers(0, 256, input_shape[0]) * (rng.random() < 0.5)
    return Network(
        input_shape=input_shape,
        zero_point=zero_point.astype(np.uint8),
        layers=tuple(layers),
        coding=coding,
        steps=steps,
        delay=0 if coding == Coding.RADIX else int(rng.integers(steps)),
        readout=readout,
        outputs=(hidden,),
    )


def tiny_network(
    seed: int, *, coding: Coding = Coding.RADIX, rule: PoolRule = PoolRule.STEP
) -> Network:
    """Two layers of two channels at most, T = 2: what tools build in the shortest time."""
    return random_network(
        np.random.default_rng(seed),
        coding=coding,
        readout=Readout.CURRENT,
        rule=rule,
        steps=2,
        hidden=1,
        largest_channels=2,
        largest_map=4,
    )


def with_signed_layers(rng: np.random.Generator, network: Network) -> Network:
    """``network``, of whose layers some fire signed: alike on both sides, or with a slope."""
    layers = []
    for index, layer in enumerate(network.layers):
        may = layer.threshold is not None and index not in network.outputs
        if may and rng.random() < 0.7:
            slope = rng.integers(0, (0, 1, 4)[rng.integers(3)] * layer.threshold + 1)
            negative = (layer.threshold + slope).astype(np.int32)
            layer = replace(layer, negative_threshold=negative)
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def with_own_steps(rng: np.random.Generator, network: Network) -> Network:
    """``network``, of whose layers with neurons some have a T of their own."""
    layers = (
        replace(layer, steps=int(rng.integers(1, network.steps + 1)))
        if layer.threshold is not None and rng.random() < 0.7
        else layer
        for layer in network.layers
    )
    return replace(network, layers=tuple(layers))


def varied(
    draw: st.DrawFn,
    rng: np.random.Generator,
    network: Network,
    signed: Collection[Coding],
    own_steps: bool,
) -> Network:
    """``network``, or one with signed layers, with layers of their own T, or with both."""
    if network.coding in signed and draw(st.booleans()):
        network = with_signed_layers(rng, network)
    if own_steps and network.coding == Coding.RADIX and draw(st.booleans()):
        network = with_own_steps(rng, network)
    return network


def random_images(rng: np.random.Generator, network: Network, count: int) -> np.ndarray:
    """Dense and sparse images, and one all zero and one all 255 among them."""
    shape = (count, *network.input_shape)
    images = rng.integers(0, 256, shape) * (rng.random(shape) < rng.random((count, 1, 1, 1)))
    images[0] = 0
    images[-1] = 255
    return images.astype(np.uint8)


def smallest_folding(network: Network) -> Folding:
    """One neuron at a time and one lane, in every layer."""
    return tuple(LayerFolding(1, 1) for _ in network.layers)


def random_folding(rng: np.random.Generator, network: Network) -> Folding:
    """P and E that do and do not divide the channels and taps, neurons in turns, extra rows.

    A third of the layers are compact, of those that have a single lane about half.
    """
    folding: list[LayerFolding] = []
    for index, layer in enumerate(network.layers):
        neurons = int(rng.integers(1, layer.out_channels + 1))
        rows = tuple(bool(rng.random() < 0.4) for _ in layer.connections)
        row_words = connection_row_words(network, index, LayerFolding(neurons, 1, rows))
        most = [
            most_lanes(connection, neurons, words)
            for connection, words in zip(layer.connections, row_words, strict=True)
        ]
        if is_streamed(network, index, neurons):
            most = [folding[layer.connections[0].source].neurons]
        lanes = tuple(int(rng.integers(1, min(6, high) + 1)) for high in most)
        fires = layer.threshold is not None
        turns = rng.choice([n for n in range(1, neurons + 1) if neurons % n == 0]) if fires else 1
        extra = tuple(int(rng.integers(0, 3)) for _ in layer.connections)
        compact = bool(rng.random() < (0.5 if max(lanes) == 1 else 0.3))
        folding.append(
            LayerFolding(
                neurons,
                lanes,
                rows,
                firing=int(neurons // turns),
                extra_rows=extra,
                style=COMPACT if compact else FAST,
                large_rows=row_words if rng.random() < 0.5 else None,
            )
        )
    return tuple(folding)


@st.composite
def networks(
    draw: st.DrawFn,
    hidden: int | None = None,
    *,
    signed: Collection[Coding] = (),
    own_steps: bool = False,
    **limits: int,
) -> Network:
    """Hypothesis strategy over coding, readout, rule, T, depth, and the seed of all the rest.

    In the codings that are ``signed`` some layers may fire signed; with ``own_steps`` layers may
    have a T of their own in ``radix``.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    network = random_network(
        rng,
        coding=draw(st.sampled_from(Coding)),
        readout=draw(st.sampled_from(Readout)),
        rule=draw(st.sampled_from(PoolRule)),
        steps=draw(st.integers(1, 16)),
        hidden=draw(st.integers(0, 2)) if hidden is None else hidden,
        **limits,
    )
    return varied(draw, rng, network, signed, own_steps)


def network_of_digits(largest_channels: int = 4) -> Network:
    """A small network over 8 x 8 grey images, as ``digits`` has, with two classes or more."""
    rng = np.random.default_rng(8)
    while True:
        network = random_network(
            rng,
            coding=Coding.RADIX,
            readout=Readout.CURRENT,
            rule=PoolRule.CUMULATIVE,
            steps=3,
            hidden=1,
            largest_channels=largest_channels,
        )
        if network.input_shape == (1, 8, 8) and network.classes > 1:
            return network
