"""The engine in Verilator: random programs on one build, every map against the golden model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rheobase.golden import Coding, Network, PoolRule, Readout, RheobaseError
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.compiler.maps.readings import network_readings
from rheobase.hw.engine.design import EngineDesign
from rheobase.sim.engine.memory_timing import FAST_MEMORY, SDRAM_16, SDRAM_32, MemoryTiming
from rheobase.sim.engine.simulation import build_engine, run_engine
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import (
    random_network,
    with_own_steps,
    with_signed_layers,
)
from tests.support.networks.rare_graphs import RARE, rare_network
from tests.support.networks.residual_networks import residual_network
from tests.support.simulation.engine_maps import assert_maps

#: Small, so that lists, rings and row buffers fill up; and of 4 bits, with more of each and with
#: few turns that wait.
SMALL = EngineDesign(
    lanes=4, neurons=24, weight_words=256, list_entries=64, buffer_words=256, sum_bits=16,
    groups=3, windows=3, pool_words=128, sources=8, segments=64, rows=128, threshold_bits=28,
    current_bits=32,
)  # fmt: skip
FOUR_BITS = replace(
    SMALL, lanes=2, neurons=16, weight_bits=4, weight_words=2048, groups=8, turns_ahead=4
)
#: Memories as slow and as fast as they come, and one that stalls at random.
TIMINGS = (
    SDRAM_16,
    SDRAM_32,
    FAST_MEMORY,
    replace(SDRAM_16, stall=40),
    replace(SDRAM_32, stall=70),
)


@cache
def built(design: EngineDesign) -> Path:
    """Its executable; to write its Verilog takes longer than most runs."""
    return build_engine(design, "fast-build")


def check(network: Network, design: EngineDesign, timing: MemoryTiming, seed: int) -> None:
    """Two images, one behind the other: every map of both is the golden model's."""
    program = compile_network(network, design).program
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (2, *network.input_shape)).astype(np.uint8)
    ran = run_engine(built(design), program, images, timing=timing, seed=seed)
    for image, memory in zip(images, ran.memory, strict=True):
        assert_maps(network, program, image, memory)


def drawn_network(seed: int) -> Network:
    """A network of one of many kinds, by ``seed``."""
    rng = np.random.default_rng(seed)
    readout = tuple(Readout)[seed // 2 % 2]
    if seed % 2:
        return random_network(
            rng, coding=Coding.RADIX, readout=readout, rule=PoolRule.CUMULATIVE,
            steps=1 + seed % 8, hidden=seed % 3,
        )  # fmt: skip
    network = random_graph(
        rng, coding=Coding.RADIX, readout=readout, rule=PoolRule.STEP, steps=2 + seed % 7,
        layers=1 + seed % 4,
    )  # fmt: skip
    if seed % 3 == 0:
        network = with_signed_layers(rng, network)
    return with_own_steps(rng, network) if seed % 5 == 0 else network


def check_fitting(network: Network, run: Callable[[Network], None]) -> None:
    """``run`` it; but where sums overlap in front of a padded kernel, it may be too large.

    Each row of each sum is a tap of its own then, with weights of its own.
    """
    try:
        run(network)
    except RheobaseError as error:
        readings = network_readings(network).of_layers
        assert any(reading.marked for of_layer in readings for reading in of_layer), error
        assert any(limit in str(error) for limit in ("(weight_words)", "(buffer_words)")), error


def check_drawn(network: Network, design: EngineDesign, seed: int) -> None:
    timing = TIMINGS[seed % len(TIMINGS)]
    check_fitting(network, lambda network: check(network, design, timing, seed))


def test_random_networks() -> None:
    for seed in range(20):
        check_drawn(drawn_network(seed), SMALL, seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_random_networks(block) -> None:
    for seed in range(1000 + 25 * block, 1025 + 25 * block):
        check_drawn(drawn_network(seed), (SMALL, FOUR_BITS)[seed // 4 % 2], seed)


@pytest.mark.parametrize("shape", sorted(RARE))
def test_rare_shapes(shape) -> None:
    network, _ = rare_network(np.random.default_rng(5), shape, Coding.RADIX)
    check(network, SMALL, SDRAM_16, 5)


@pytest.mark.parametrize("design", [SMALL, pytest.param(FOUR_BITS, marks=pytest.mark.slow)])
def test_residual_sums_and_wide_shortcuts(design) -> None:
    network = residual_network(Coding.RADIX, steps=4, stages=((4, 1), (24, 1)), size=6)
    check(network, design, SDRAM_16, 0)
