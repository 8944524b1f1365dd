"""The folding's model and search against independent counts."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.golden.run.run import run_golden
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.buffering import default_spare_rows
from rheobase.hw.design.folding import LayerFolding, check_folding
from rheobase.hw.design.layer_design import layer_design, network_design
from rheobase.hw.design.style import COMPACT
from rheobase.hw.memories.devices import Family
from rheobase.hw.planning.cycles import FIRING_FRACTION, layer_stages
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.event_counts import assumed_events, counted_events, expected_most
from rheobase.hw.planning.items import Area
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.row_pipeline import pipeline_cycles
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.planning.search.row_search import with_extra_rows
from rheobase.hw.planning.shortfall import narrower, shorter, shortfall
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.sim.synthesis import ICEBREAKER, ULX3S_85F, synthesise
from tests.support.networks.random_networks import random_images, random_network
from tests.support.networks.residual_networks import residual_network


def _chain(coding: Coding, seed: int = 3, steps: int = 3, channels: int = 5):
    return random_network(
        np.random.default_rng(seed),
        coding=coding,
        readout=Readout.COUNT,
        rule=PoolRule.CUMULATIVE,
        steps=steps,
        hidden=1,
        largest_channels=channels,
        largest_map=7,
    )


@pytest.mark.parametrize("coding", Coding)
def test_counted_events_are_the_golden_models(coding):
    for network in (
        _chain(coding),
        _chain(coding, 8),
        residual_network(coding, steps=3, stages=((4, 1), (6, 1))),
    ):
        images = random_images(np.random.default_rng(1), network, 4)
        records = run_golden(network, images, record=True).layers
        for counted, record in zip(counted_events(network, images), records, strict=True):
            for windows, events in zip(counted, record.events, strict=True):
                assert windows.events == pytest.approx(events.sum(axis=1).mean())


def test_largest_share_is_that_of_dealing():
    rng = np.random.default_rng(0)
    for events, lanes in ((1, 2), (6, 3), (40, 4), (300, 9)):
        dealt = rng.multinomial(events, np.full(lanes, 1 / lanes), 4000).max(axis=1).mean()
        assert expected_most(np.array([events]), lanes)[0] == pytest.approx(dealt, rel=0.06)


def test_pipeline_is_as_slow_as_its_slowest_layer_or_slower():
    network = residual_network(Coding.RADIX, steps=3)
    events = assumed_events(network)
    for adders in (1, 40, 300):
        folding = default_folding(network, events, adders)
        spare = default_spare_rows(network)
        slowest = max(layer.cycles for layer in Planner(network, events).predict(folding).layers)
        least = pipeline_cycles(network_design(network, folding, spare), events, spare)
        assert slowest * 0.999 <= least < 2.5 * slowest


def _brute_force(planner: Planner, budget: Budget):
    """Every combination of the options, the sizes of the whole accelerator each time."""
    best = None
    for combination in product(*planner.options):
        folding = tuple(option.fold for option in combination)
        if not budget.holds(planner.total_area(folding)):
            continue
        slowest = max(option.cycles for option in combination)
        if best is None or slowest < best:
            best = slowest
    return best


@pytest.mark.parametrize(
    ("coding", "luts", "blocks"),
    [
        (Coding.RATE, 2600, 6),
        (Coding.RATE, 3500, 1),
        (Coding.RADIX, 2600, 8),
        (Coding.RADIX, 5000, 3),
    ],
)
def test_search_finds_what_brute_force_does(coding, luts, blocks):
    planner = Planner(_chain(coding, channels=4))
    budget = Budget(luts, blocks)
    plan = planner.fastest(budget)
    best = _brute_force(planner, budget)
    # The whole search spends some of the block RAMs on rows: what it saw is asked for here.
    if plan is not None:
        plan = planner.predict(planner.fastest_layers(budget))
    if best is None:
        assert plan is None
        return
    assert budget.holds(plan.area)
    check_folding(planner.network, plan.folding)
    assert max(layer.cycles for layer in plan.layers) == pytest.approx(best)


def test_target_is_reached_and_with_less_than_the_fastest():
    network = residual_network(Coding.RADIX, steps=3)
    planner = Planner(network)
    budget = Budget(20_000, 60)
    fastest = planner.fastest(budget)
    plan = planner.reaching(3 * fastest.cycles, budget)
    assert plan.cycles <= 3 * fastest.cycles
    assert budget.cost(plan.area) < budget.cost(fastest.area)
    assert planner.reaching(fastest.cycles / 50, budget) is None


def test_more_room_is_never_slower():
    planner = Planner(residual_network(Coding.RATE, steps=4))
    times = [
        max(layer.cycles for layer in planner.fastest(Budget(luts, blocks)).layers)
        for luts, blocks in ((9000, 40), (14_000, 40), (14_000, 80), (60_000, 200))
    ]
    assert times == sorted(times, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.95, 0.3])
def test_shortfall_names_what_would_fit(share):
    """The remedies are checked by planning with them."""
    network = residual_network(Coding.RADIX, steps=6, stages=((16, 1),), size=12, bits=8)
    whole = Planner(network).smallest(np.inf, Budget())
    needed = Planner(network).total_area(whole)
    budget = Budget(needed.luts * share, needed.block_rams)
    text = shortfall(Planner(network), budget, None, assumed_events)
    assert "LUT4 of" in text and "over)" in text

    def fits(changed):
        return Planner(changed).smallest(np.inf, budget) is not None

    if "neither" in text:
        assert not fits(narrower(network, 2)) and not fits(shorter(network, 1))
        return
    remedies = text.split("; ")[1]
    for bits in range(2, 8):
        if f"{bits}-bit weights" in remedies:
            assert fits(narrower(network, bits)) and not fits(narrower(network, bits + 1))
    for steps in range(1, 6):
        if f"T = {steps}" in remedies:
            assert fits(shorter(network, steps)) and not fits(shorter(network, steps + 1))


@pytest.mark.parametrize("adders", [True, 0, 1.5])
def test_adders_out_of_range(adders):
    with pytest.raises(RheobaseError, match=r"adders is .*, must be an integer >= 1"):
        default_folding(_chain(Coding.RATE), adders=adders)


def test_area_adds_up():
    plan = Planner(_chain(Coding.RATE)).predict(default_folding(_chain(Coding.RATE)))
    total = sum((layer.area for layer in plan.layers), Area(0, 0)) + plan.frame
    assert total.luts == pytest.approx(plan.area.luts)
    assert total.block_rams == plan.area.block_rams


@pytest.mark.parametrize(
    "budget", [pytest.param(Budget(4000, 20), marks=pytest.mark.slow), Budget(9000, 4)]
)
def test_block_rams_are_what_yosys_maps(budget):
    """The whole accelerator, synthesised for ECP5."""
    network = _chain(Coding.RADIX, seed=3, steps=4)
    plan = Planner(network).fastest(budget)
    text = generate(network, plan.folding)
    assert isinstance(Accelerator(network, plan.folding), Accelerator)
    assert synthesise(text, TOP, ULX3S_85F).resources.block_rams == plan.area.block_rams


@pytest.mark.slow
@pytest.mark.parametrize(("coding", "lanes"), [(Coding.RADIX, 2), (Coding.RATE, 1)])
def test_an_ice40_takes_what_is_counted(coding, lanes):
    """Queues of lanes that run ahead of one another are in block RAM, and no registers."""
    network = _chain(coding, seed=3, steps=4)
    folding = tuple(
        LayerFolding(min(2, layer.out_channels), lanes, style=COMPACT) for layer in network.layers
    )
    predicted = Planner(network, family=Family.ICE40).predict(folding).area
    found = synthesise(generate(network, folding), TOP, ICEBREAKER).resources
    assert found.block_rams == predicted.block_rams
    # Of a network as small as that, tools make constants of much that components have.
    assert found.luts == pytest.approx(predicted.luts, rel=0.25)


@pytest.mark.parametrize("coding", Coding)
def test_neurons_take_turns_only_where_they_have_the_time(coding):
    """Lanes that take hundreds of cycles for a pixel leave time; P as large as can be does not."""
    network = residual_network(coding, steps=3, stages=((16, 1),), size=12, bits=8)
    events, share = assumed_events(network), FIRING_FRACTION[coding]
    for adders in (20, 2000):
        folding = default_folding(network, events, adders)
        for index, fold in enumerate(folding):
            if network.layers[index].threshold is None:
                continue
            stages = layer_stages(layer_design(network, index, fold), events[index])
            neurons = next(stage.per_image for stage in stages if stage.name == "neurons")
            others = max(stage.per_image for stage in stages if stage.name != "neurons")
            assert fold.turns == 1 or neurons <= share * others
            slower = [f for f in range(1, fold.neurons // fold.turns) if fold.neurons % f == 0]
            assert all(neurons * fold.neurons / fold.turns / f > share * others for f in slower)


def test_extra_rows_are_free_and_make_the_pipeline_faster():
    network = residual_network(Coding.RADIX, steps=4, stages=((16, 2),), size=16, bits=8)
    rng = np.random.default_rng(0)
    events = counted_events(network, random_images(rng, network, 4))
    planner = Planner(network, events)
    bare = planner.fastest_layers(Budget(9_000, 60))
    blocks = planner.total_area(bare).block_rams
    free = with_extra_rows(planner, bare, Budget(), pay=False)
    assert planner.total_area(free).block_rams == blocks
    assert any(fold.extra_rows for fold in free)
    assert planner.predict(free).cycles < planner.predict(bare).cycles
    # As large as the accelerator makes them.
    buffers, fewest = (
        [
            path.design.geometry.slots
            for layer in Accelerator(network, folding).layers
            if hasattr(layer, "connections")
            for path in layer.connections
        ]
        for folding in (free, bare)
    )
    extra = [
        count
        for layer, fold in zip(network.layers, free, strict=True)
        for count in fold.extra_rows or (0,) * len(layer.connections)
    ][: len(buffers)]
    assert [more - few for more, few in zip(buffers, fewest, strict=True)] == extra


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [3, 5])
def test_block_rams_of_words_that_do_not_divide_the_channels(neurons):
    """Parts of a word whose enables differ would be padded to a byte each."""
    network = residual_network(Coding.RADIX, steps=4, stages=((8, 1),), size=8, bits=8)
    folding = tuple(
        replace(fold, neurons=min(neurons, layer.out_channels), lanes=1, firing=None)
        for fold, layer in zip(default_folding(network), network.layers, strict=True)
    )
    predicted = Planner(network).predict(folding).area.block_rams
    resources = synthesise(generate(network, folding), TOP, ULX3S_85F).resources
    assert resources.block_rams == predicted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neurons": 4, "firing": 3}, r"\(F\) of layer .* is 3, must be one of 1, 2, 4"),
        ({"neurons": 4, "firing": True}, r"\(F\) of layer .* is True"),
        ({"extra_rows": (1, 1)}, r"extra_rows of layer .*, must be an integer >= 0 for each"),
        ({"extra_rows": (-1,)}, r"extra_rows of layer .*, must be an integer >= 0 for each"),
    ],
)
def test_folding_out_of_range(changes, message):
    network = residual_network(Coding.RADIX, steps=2, stages=((8, 1),), size=8)
    folding = list(default_folding(network))
    folding[0] = replace(folding[0], **{"firing": None} | changes)
    with pytest.raises(RheobaseError, match=message):
        check_folding(network, tuple(folding))
