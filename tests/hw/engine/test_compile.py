"""Programs, run by the functional model, against the golden model: every map of every layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    PoolRule,
    Readout,
    RheobaseError,
    SumPool,
)
from rheobase.golden.network.network import connection_shape
from rheobase.hw.engine.compiler import blocks
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.compiler.maps.image_layouts import Fold, Layout
from rheobase.hw.engine.compiler.maps.readings import network_readings
from rheobase.hw.engine.design import EngineDesign
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import (
    random_network,
    with_own_steps,
    with_signed_layers,
)
from tests.support.networks.rare_graphs import RARE, rare_network
from tests.support.networks.residual_networks import residual_network
from tests.support.simulation.engine_maps import assert_model

#: The usual one, and small ones whose lists, rings and row buffers fill up.
DESIGNS = (
    EngineDesign(),
    EngineDesign(
        lanes=4,
        neurons=8,
        weight_words=256,
        list_entries=64,
        buffer_words=256,
        sum_bits=16,
        groups=4,
        windows=3,
        pool_words=128,
    ),
    EngineDesign(
        lanes=2,
        neurons=8,
        weight_bits=4,
        weight_words=1024,
        list_entries=256,
        groups=8,
        sources=8,
        segments=64,
        rows=128,
    ),
    EngineDesign(lanes=8, neurons=16, segments=16),
)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    design=st.sampled_from(DESIGNS),
    readout=st.sampled_from(Readout),
    steps=st.integers(1, 8),
    hidden=st.integers(0, 2),
)
def test_chains_of_layers(seed, design, readout, steps, hidden) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(
        rng,
        coding=Coding.RADIX,
        readout=readout,
        rule=PoolRule.CUMULATIVE,
        steps=steps,
        hidden=hidden,
    )
    assert_model(network, design, seed)


def _with_distant_thresholds(rng: np.random.Generator, network: Network) -> Network:
    """``network``, some of whose channels fire hardly ever, or never."""
    layers = []
    for layer in network.layers:
        if layer.threshold is not None:
            drawn = (2 ** rng.uniform(0, 29, layer.out_channels)).astype(np.int32)
            threshold = np.where(rng.random(layer.out_channels) < 0.5, drawn, layer.threshold)
            start = np.where(threshold == layer.threshold, layer.initial_potential, threshold // 2)
            layer = replace(layer, threshold=threshold, initial_potential=start)
            if layer.negative_threshold is not None:
                slope = (2 ** rng.uniform(0, 29, layer.out_channels)).astype(np.int32)
                layer = replace(layer, negative_threshold=threshold + slope)
        layers.append(layer)
    return replace(network, layers=tuple(layers))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    design=st.sampled_from(DESIGNS),
    readout=st.sampled_from(Readout),
    steps=st.integers(2, 8),
    layers=st.integers(1, 4),
    signed=st.booleans(),
    own_steps=st.booleans(),
    distant=st.booleans(),
)
def test_graphs(seed, design, readout, steps, layers, signed, own_steps, distant) -> None:
    rng = np.random.default_rng(seed)
    network = random_graph(
        rng,
        coding=Coding.RADIX,
        readout=readout,
        rule=PoolRule.STEP,
        steps=steps,
        layers=layers,
    )
    if signed:
        network = with_signed_layers(rng, network)
    if own_steps:
        network = with_own_steps(rng, network)
    if distant:
        network = _with_distant_thresholds(rng, network)
    try:
        assert_model(network, design, seed)
    except RheobaseError as error:
        # Currents and thresholds may be wider than the engine's: there are weights of 16 bits. So
        # may what a window sees of many maps be more than its tables have.
        limits = ["sources", "segments", "(rows)", "current_bits", "threshold_bits"]
        readings = network_readings(network).of_layers
        if any(reading.marked for of_layer in readings for reading in of_layer):
            # Sums that overlap in front of a padded kernel have weights for each of their rows.
            limits += ["(weight_words)", "(buffer_words)"]
        assert any(limit in str(error) for limit in limits), error
        assume(False)


@pytest.mark.parametrize("fold", Fold)
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: f"{design.lanes} lanes")
def test_layouts_of_the_image(monkeypatch, fold, design):
    """Several kernels over the image, one behind sums of it, in one layout after the other."""
    monkeypatch.setattr(blocks, "layouts", lambda *_: [Layout(1 if fold != Fold.NONE else 3, fold)])
    rng = np.random.default_rng(4)

    def weight(*shape: int) -> np.ndarray:
        return rng.integers(-90, 90, shape).astype(np.int8)

    threshold = rng.integers(3000, 9000, 8).astype(np.int32)
    seen = (
        Connection(IMAGE, weight(8, 3, 3, 2), stride=(2, 1), padding=(1, 0, 2, 1)),
        Connection(IMAGE, weight(8, 2, 2, 2), stride=(2, 1), dilation=(1, 2), in_start=1),
        Connection(
            IMAGE, weight(8, 1, 1, 1), in_start=2, sum_pool=SumPool((2, 3), (2, 1), (0, 1, 0, 1))
        ),
    )
    sizes = [connection_shape(one, (3, 7, 6))[1:] for one in seen]
    rows, columns = (min(size[axis] for size in sizes) for axis in range(2))
    # The last windows of each are left out, so that all have as many.
    seen = tuple(
        replace(
            one,
            padding=(
                *one.padding[:2],
                one.padding[2] - (size[0] - rows) * one.stride[0],
                one.padding[3] - (size[1] - columns) * one.stride[1],
            ),
        )
        for one, size in zip(seen, sizes, strict=True)
    )
    network = Network(
        input_shape=(3, 7, 6),
        zero_point=np.array([90, 100, 110], np.uint8),
        layers=(
            Layer("first", seen, np.zeros(8, np.int32), threshold, threshold // 2),
            Layer("last", (Connection(0, weight(2, 8, 1, 1)),), np.zeros(2, np.int32), None, None),
        ),
        coding=Coding.RADIX,
        steps=4,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(1,),
    )
    assert_model(network, replace(design, segments=64))


@pytest.mark.parametrize("shape", sorted(RARE))
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: f"{design.lanes} lanes")
def test_rare_shapes(shape, design) -> None:
    network, _ = rare_network(np.random.default_rng(5), shape, Coding.RADIX)
    assert_model(network, design)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: f"{design.lanes} lanes")
def test_residual_sums_and_wide_shortcuts(design) -> None:
    assert_model(residual_network(Coding.RADIX, steps=4, stages=((4, 1), (24, 1)), size=6), design)


def _two_layers(second: Connection, size: tuple[int, int]) -> Network:
    """A pixel of 16 channels for each of the image, and currents that ``second`` makes of them."""
    rng = np.random.default_rng(3)
    first = Connection(IMAGE, rng.integers(-60, 60, (16, 3, 1, 1)).astype(np.int8))
    threshold = rng.integers(200, 900, 16).astype(np.int32)
    bias = np.zeros(16, np.int32)
    return Network(
        input_shape=(3, *size),
        zero_point=np.array([90, 100, 110], np.uint8),
        layers=(
            Layer("first", (first,), bias, threshold, threshold // 2),
            Layer("second", (second,), bias[: second.out_channels], None, None),
        ),
        coding=Coding.RADIX,
        steps=4,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(1,),
    )


def test_a_row_buffer_with_room_for_one_row_of_windows():
    weight = np.random.default_rng(1).integers(-60, 60, (8, 16, 3, 3)).astype(np.int8)
    network = _two_layers(Connection(0, weight, padding=(1, 1, 1, 1)), (7, 10))
    design = EngineDesign(lanes=4, neurons=8, buffer_words=32)
    (_, *drafts) = compile_network(network, design).drafts
    # Three rows of ten words: a fourth has no place, and each slot is used again at once.
    assert [draft.sources[0].slots for draft in drafts][-1] == 3
    assert_model(network, design)
    network = _two_layers(Connection(0, weight, padding=(1, 1, 1, 1)), (7, 7))
    with pytest.raises(RheobaseError, match="take 21 words of the row buffer, must be at most 16"):
        compile_network(network, replace(design, buffer_words=16))


def test_padding_behind_sums_that_leave_a_row_over():
    """Sums of 2 x 2 over 5 x 7: the last row and column lie where the kernel has its padding."""
    weight = np.random.default_rng(2).integers(-60, 60, (8, 16, 3, 3)).astype(np.int8)
    sums = SumPool((2, 2), (2, 2))
    network = _two_layers(Connection(0, weight, padding=(1, 1, 1, 1), sum_pool=sums), (5, 7))
    for design in DESIGNS:
        assert_model(network, design)


@pytest.mark.parametrize("source", ["image", "map"])
@pytest.mark.parametrize(
    ("sums", "padding"),
    [
        (SumPool((3, 3), (2, 2)), (1, 1, 1, 1)),
        (SumPool((3, 2), (1, 1)), (2, 1, 1, 0)),
        (SumPool((3, 3), (1, 1), (1, 1, 1, 1)), (1, 1, 1, 1)),
        (SumPool((2, 3), (1, 2), (1, 0, 0, 2)), (0, 1, 2, 1)),
    ],
)
def test_sums_that_overlap_in_front_of_a_padded_kernel(source, sums, padding) -> None:
    """What a sum that is not there would see is seen by others."""
    rng = np.random.default_rng(len(source))
    first = Connection(IMAGE, rng.integers(-9, 9, (5, 2, 3, 3)).astype(np.int8), 8)
    weight = rng.integers(-9, 9, (4, 5 if source == "map" else 2, 3, 3)).astype(np.int8)
    behind = Connection(
        0 if source == "map" else IMAGE, weight, 8, padding=padding, sum_pool=sums, dilation=(1, 1)
    )
    layers = []
    for name, connection in (("first", first), ("behind", behind)):
        channels = connection.out_channels
        layers.append(
            Layer(
                name, (connection,), np.zeros(channels, np.int32),
                np.full(channels, 300, np.int32), np.full(channels, 150, np.int32),
            )
        )  # fmt: skip
    network = Network(
        name="sums", input_shape=(2, 13, 12), zero_point=np.array([90, 17], np.uint8),
        layers=tuple(layers), outputs=(0, 1) if source == "image" else (1,),
        coding=Coding.RADIX, readout=Readout.COUNT, steps=4, delay=0,
    )  # fmt: skip
    for design in DESIGNS:
        assert_model(network, design)


def test_depthwise_kernels_have_passes_of_less_than_a_group() -> None:
    """As many channels as lanes keep all of them busy alike."""
    rng = np.random.default_rng(8)
    first = Connection(IMAGE, rng.integers(-9, 9, (40, 2, 1, 1)).astype(np.int8), 8)
    depthwise = Connection(
        0, rng.integers(-9, 9, (40, 1, 3, 3)).astype(np.int8), 8, groups=40, padding=(1, 1, 1, 1)
    )
    layers = tuple(
        Layer(
            name, (connection,), np.zeros(40, np.int32), np.full(40, threshold, np.int32),
            np.full(40, threshold // 2, np.int32),
        )
        for name, connection, threshold in (("first", first, 200), ("depthwise", depthwise, 60))
    )  # fmt: skip
    network = Network(
        name="depthwise", input_shape=(2, 20, 20), zero_point=np.zeros(2, np.uint8), layers=layers,
        outputs=(1,), coding=Coding.RADIX, readout=Readout.COUNT, steps=4, delay=0,
    )  # fmt: skip
    design = EngineDesign(lanes=16, neurons=24)
    drafts = compile_network(network, design).drafts
    passes = [(draft.block.first, draft.block.end) for draft in drafts if draft.block.layer == 1]
    assert passes == [(0, 16), (16, 32), (32, 40)]
    assert_model(network, design)
