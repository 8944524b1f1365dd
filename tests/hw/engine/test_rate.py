"""Networks in ``rate`` on an engine: the functional model and Verilator, spike by spike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.golden import Coding, Network, PoolRule, Readout, RheobaseError
from rheobase.hw.engine.compiler.compile import compile_network
from tests.hw.engine import test_engine
from tests.hw.engine.test_engine import SMALL, TIMINGS, check, check_drawn, check_fitting
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import random_network, with_signed_layers
from tests.support.networks.rare_graphs import RARE, rare_network
from tests.support.networks.residual_networks import residual_network
from tests.support.simulation.engine_maps import assert_model

#: Small ones, of 8 and of 4 bits: the latter take weights in digits.
DESIGN = replace(SMALL, rate_turns=512, pool_words=1024, segments=128, rows=512)
FOUR_BITS = replace(
    DESIGN, lanes=2, neurons=16, weight_bits=4, weight_words=2048, groups=8, segments=256
)


def drawn_network(seed: int) -> Network:
    """A network in ``rate`` of one of many kinds, by ``seed``."""
    rng = np.random.default_rng(seed)
    readout = tuple(Readout)[seed // 2 % 2]
    steps = 1 + seed % 9
    if seed % 2:
        return random_network(
            rng, coding=Coding.RATE, readout=readout, rule=PoolRule.CUMULATIVE, steps=steps,
            hidden=seed % 3,
        )  # fmt: skip
    network = random_graph(
        rng, coding=Coding.RATE, readout=readout, rule=PoolRule.CUMULATIVE, steps=steps,
        layers=1 + seed % 4,
    )  # fmt: skip
    return with_signed_layers(rng, network) if seed % 3 else network


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31), design=st.sampled_from([DESIGN, FOUR_BITS]))
def test_random_networks_in_the_model(seed, design) -> None:
    check_fitting(drawn_network(seed), lambda network: assert_model(network, design, seed))


def test_random_networks() -> None:
    for seed in range(24):
        check_drawn(drawn_network(seed), DESIGN, seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_random_networks(block) -> None:
    for seed in range(1000 + 25 * block, 1025 + 25 * block):
        check_drawn(drawn_network(seed), (DESIGN, FOUR_BITS)[seed // 4 % 2], seed)


def test_the_same_engine_runs_radix() -> None:
    for seed in range(8):
        check_drawn(test_engine.drawn_network(seed), DESIGN, seed)


@pytest.mark.parametrize("shape", sorted(RARE))
def test_rare_shapes(shape) -> None:
    network, _ = rare_network(np.random.default_rng(5), shape, Coding.RATE)
    assert_model(network, DESIGN, 5)


def test_long_trains_and_wide_shortcuts() -> None:
    """Trains of five digits, and weights of shortcuts in digits of their own."""
    network = residual_network(Coding.RATE, steps=18, stages=((4, 1), (24, 1)), size=6)
    check(network, DESIGN, TIMINGS[0], 0)


def test_what_no_engine_runs_is_refused() -> None:
    network = drawn_network(1)
    with pytest.raises(RheobaseError, match="coding is rate, must be radix for an engine whose"):
        compile_network(network, SMALL)
    few = replace(DESIGN, rate_turns=1, groups=1)
    with pytest.raises(RheobaseError, match=r"turns of all steps are \d+, must be at most \d+ \(r"):
        compile_network(replace(network, steps=9), few)
    with pytest.raises(RheobaseError, match="counts of 300 steps take 9 bits, must be at most 8"):
        compile_network(replace(network, steps=300), DESIGN)
    with pytest.raises(RheobaseError, match="trains of T = 100 take 25 digits, must be at most 16"):
        compile_network(replace(network, steps=100), DESIGN)


def test_the_maximum_of_a_step_is_refused() -> None:
    """Of summed currents it is that of their numbers; of those of a step it is not."""
    rng = np.random.default_rng(0)
    drawn = (
        random_network(
            rng, coding=Coding.RATE, readout=Readout.COUNT, rule=PoolRule.STEP, steps=3, hidden=2
        )
        for _ in range(50)
    )
    network = next(
        one for one in drawn
        if any(layer.pool and max(layer.pool.kernel) > 1 and not layer.sees_only_image
               for layer in one.layers)
    )  # fmt: skip
    with pytest.raises(RheobaseError, match="the maximum has the rule 'step', must be 'cumulat"):
        compile_network(network, DESIGN)
