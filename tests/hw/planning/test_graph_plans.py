"""Plans with graph lanes: what the search chooses, and predictions against what is built."""

from functools import cache

import numpy as np
import pytest

from rheobase.building.folding_plan import folding_plan
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import IMAGE, Coding, Connection, Layer, Network, Pool, Readout
from rheobase.hw.design.folding import LaneChoice, LaneKind
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import generate
from rheobase.options.folding import FoldingOptions
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.synthesis import ULX3S_85F, synthesise
from tests.support.networks.random_networks import random_images

pytest.importorskip("da4ml", reason="graph lanes need the extra graphs")


@cache
def network():
    rng = np.random.default_rng(1)

    def layer(name, source, shape, pool, padding=1):
        weight = rng.integers(-8, 8, shape).astype(np.int8)
        spread = 80 if source == IMAGE else 1
        threshold = rng.integers(40 * spread, 60 * spread, shape[0]).astype(np.int32)
        bias = np.zeros(shape[0], np.int32)
        connection = Connection(source, weight, 4, padding=(padding,) * 4)
        return Layer(name, (connection,), bias, threshold, threshold // 2, pool)

    pool = Pool((2, 2), (2, 2))
    return Network(
        input_shape=(1, 12, 12),
        zero_point=np.zeros(1, np.uint8),
        layers=(
            layer("first", IMAGE, (4, 1, 3, 3), pool),
            layer("second", 0, (6, 4, 3, 3), pool),
            layer("last", 1, (10, 6, 3, 3), None, padding=0),
        ),
        coding=Coding.RADIX,
        steps=3,
        delay=0,
        readout=Readout.COUNT,
        outputs=(2,),
    )


@cache
def plan_of(choice):
    return Planner(network(), lane_choice=choice).fastest(Budget(luts=20000))


def test_what_the_search_chooses():
    kinds = {choice: [fold.lane_kind for fold in plan_of(choice).folding] for choice in LaneChoice}
    assert kinds[LaneChoice.EVENTS] == [LaneKind.EVENTS] * 3
    assert kinds[LaneChoice.GRAPH] == [LaneKind.GRAPH] * 3
    assert LaneKind.GRAPH in kinds[LaneChoice.AUTO]
    assert plan_of(LaneChoice.AUTO).cycles <= plan_of(LaneChoice.EVENTS).cycles
    # Few weights take less as a graph even where time does not count.
    smallest = {
        choice: Planner(network(), lane_choice=choice).smallest(np.inf, Budget(luts=20000))
        for choice in (LaneChoice.EVENTS, LaneChoice.AUTO)
    }
    assert [fold.graph for fold in smallest[LaneChoice.AUTO]] == [True, False, False]
    area = {choice: Planner(network()).total_area(fold) for choice, fold in smallest.items()}
    assert area[LaneChoice.AUTO].luts < area[LaneChoice.EVENTS].luts


def test_by_hand():
    plan = folding_plan(network(), FoldingOptions(neurons="4,2,2", lanes="graph,1,3"))
    assert [fold.lane_kind for fold in plan.folding] == [
        LaneKind.GRAPH,
        LaneKind.EVENTS,
        LaneKind.EVENTS,
    ]
    with pytest.raises(RheobaseError, match="is 2, must be its 4 output channels"):
        folding_plan(network(), FoldingOptions(neurons="2,2,2", lanes="graph,1,3"))
    with pytest.raises(RheobaseError, match="--lanes auto: must come with a search"):
        folding_plan(network(), FoldingOptions(lanes="auto"))
    chosen = folding_plan(network(), FoldingOptions(lanes="graph", luts=20000))
    assert all(fold.graph for fold in chosen.folding)


@pytest.mark.slow
def test_predictions():
    plan = plan_of(LaneChoice.GRAPH)
    built = build_simulation(network(), plan.folding, optimise="fast-build")
    images = random_images(np.random.default_rng(0), network(), 12)
    cycles = run_verilog(built, images, processes=1).cycles_per_image
    assert plan.cycles == pytest.approx(cycles, rel=0.1)
    luts = synthesise(generate(network(), plan.folding), "accelerator", ULX3S_85F).resources.luts
    assert plan.area.luts == pytest.approx(luts, rel=0.2)
