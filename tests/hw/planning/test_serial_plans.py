"""Plans with serial layers: what the search chooses, and predictions against what is built."""

from functools import cache

import numpy as np
import pytest

from rheobase.building.folding_plan import folding_plan
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import IMAGE, Coding, Connection, Layer, Network, Pool, Readout
from rheobase.hw.design.folding import LaneChoice, LaneKind
from rheobase.hw.planning.event_counts import counted_events
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import generate
from rheobase.options.folding import FoldingOptions
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.synthesis import ULX3S_85F, synthesise
from tests.support.networks.random_networks import random_images

SERIAL, EVENTS = LaneKind.SERIAL, LaneKind.EVENTS


@cache
def network():
    """A convolution, a hidden linear layer and a linear readout."""
    rng = np.random.default_rng(1)

    def layer(name, source, shape, pool=None, fires=True):
        weight = rng.integers(-8, 8, shape).astype(np.int8)
        spread = 80 if source == IMAGE else 1
        threshold = rng.integers(40 * spread, 60 * spread, shape[0]).astype(np.int32)
        bias = np.zeros(shape[0], np.int32)
        neurons = (threshold, threshold // 2) if fires else (None, None)
        return Layer(name, (Connection(source, weight, 4),), bias, *neurons, pool)

    return Network(
        input_shape=(1, 10, 10),
        zero_point=np.zeros(1, np.uint8),
        layers=(
            layer("first", IMAGE, (4, 1, 3, 3), Pool((2, 2), (2, 2))),
            layer("hidden", 0, (24, 4, 4, 4)),
            layer("out", 1, (10, 24, 1, 1), fires=False),
        ),
        coding=Coding.RADIX,
        steps=3,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(2,),
    )


def images():
    return random_images(np.random.default_rng(0), network(), 12)


def planner(choice):
    return Planner(network(), counted_events(network(), images()), lane_choice=choice)


def test_what_the_search_chooses():
    budget = Budget(luts=20000)
    fastest = {
        choice: planner(choice).fastest(budget) for choice in (LaneChoice.EVENTS, LaneChoice.SERIAL)
    }
    kinds = {choice: [f.lane_kind for f in plan.folding] for choice, plan in fastest.items()}
    assert kinds[LaneChoice.EVENTS] == [EVENTS] * 3
    assert kinds[LaneChoice.SERIAL] == [EVENTS, SERIAL, SERIAL]
    # With as little as serial layers need, event lanes do not fit.
    smallest = planner(LaneChoice.SERIAL).smallest(np.inf, budget)
    least = planner(LaneChoice.SERIAL).total_area(smallest).luts
    assert planner(LaneChoice.EVENTS).fastest(Budget(luts=1.05 * least)) is None
    assert [fold.neurons for fold in smallest[1:]] == [1, 1]


def test_by_hand_and_what_would_fit():
    plan = folding_plan(network(), FoldingOptions(neurons="4,5,2", lanes="2,serial,serial"))
    assert [fold.lane_kind for fold in plan.folding] == [EVENTS, SERIAL, SERIAL]
    # One neuron fires at a time: sums come once an image.
    assert [fold.firing for fold in plan.folding[1:]] == [1, None]
    with pytest.raises(RheobaseError, match="serial layer 'first' has 8x8 windows, must have one"):
        folding_plan(network(), FoldingOptions(neurons="4,5,2", lanes="serial,1,1"))
    with pytest.raises(RheobaseError, match=r"; --lanes serial would fit$"):
        folding_plan(network(), FoldingOptions(luts=2000))
    chosen = folding_plan(network(), FoldingOptions(luts=2000, lanes="serial"))
    assert [fold.lane_kind for fold in chosen.folding] == [EVENTS, SERIAL, SERIAL]


@pytest.mark.parametrize("neurons", ["2,1,1", pytest.param("4,6,5", marks=pytest.mark.slow)])
def test_predictions(neurons):
    options = FoldingOptions(neurons=neurons, lanes="1,serial,serial")
    plan = folding_plan(network(), options, images())
    built = build_simulation(network(), plan.folding, optimise="fast-build")
    cycles = run_verilog(built, images(), processes=1).cycles_per_image
    assert plan.cycles == pytest.approx(cycles, rel=0.1)
    found = synthesise(generate(network(), plan.folding), "accelerator", ULX3S_85F).resources
    assert plan.area.luts == pytest.approx(found.luts, rel=0.2)
    assert plan.area.block_rams == found.block_rams
