"""What is said of a program's passes is what the functional model counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    Readout,
    count_events,
)
from rheobase.hw.engine.compiler.blocks import Task, layer_passes
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.compiler.costs import write_commands
from rheobase.hw.engine.compiler.maps.densities import densities
from rheobase.hw.engine.compiler.maps.readings import network_readings
from rheobase.hw.engine.compiler.plan import plan_program
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.memory_port import BURST_WORDS
from rheobase.hw.engine.model.run import run_program
from tests.support.networks.residual_networks import residual_network
from tests.support.networks.squeezenet import squeezenet
from tests.support.simulation.engine_maps import assert_maps, memory_with

WEIGHTS = Path(__file__).resolve().parents[4] / "shared" / "models" / "squeezenet1_1.safetensors"


def test_a_plan_says_what_the_model_counts():
    network = residual_network(Coding.RADIX, steps=4, stages=((16, 1), (32, 1)), size=32)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, network.input_shape).astype(np.uint8)
    network = replace(network, events=count_events(network, image[None]))
    design = EngineDesign(lanes=4, neurons=8)
    compilation = compile_network(network, design, word_cycles=2)
    memory = memory_with(compilation.program, image)
    runs = run_program(design, memory, compilation.program.program_base, 0)
    plan = plan_program(compilation)
    assert len(runs) == len(plan.passes)
    bounds, in_turn = {"passes": 0.0, "words": 0.0}, 0.0
    for run, one, draft in zip(runs, plan.passes, compilation.drafts, strict=True):
        words = run.words_read + run.words_written
        assert one.cost.memory == 2 * words
        assert one.cost.weights == 2 * run.weight_words
        assert one.cost.neurons == run.turns
        # Windows at the edge see less than the plan has of every one.
        assert run.words / (one.cost.window - draft.positions.rows * draft.positions.columns) > 0.8
        events = run.groups * run.events.sum()
        moved = 2 * words + one.cost.tables
        additions = one.cost.accumulations * design.neurons * (one.end - one.first)
        additions /= design.neurons * one.groups  # of channels that are there
        assert one.least == pytest.approx(max(additions / design.adders, moved))
        assert one.least <= one.cycles
        bounds["passes"] += one.least
        in_turn += max(additions / design.adders, moved + 2 * run.weight_words)
        bounds["words"] += moved + 2 * run.weight_words
        assert 0.75 * one.cost.accumulations < events < 1.25 * one.cost.accumulations + 100
    assert plan.least == pytest.approx(max(bounds.values()))
    assert plan.least_pass_by_pass == pytest.approx(in_turn)


def test_squeezenet_fits(capsys):
    """Every map of a small image equal; the plan of the whole one printed."""
    if not WEIGHTS.is_file():
        pytest.skip(f"no {WEIGHTS}")
    weights = load_file(WEIGHTS)
    design = EngineDesign()
    network = squeezenet(48, weights=weights)
    program = compile_network(network, design).program
    image = np.random.default_rng(1).integers(0, 256, network.input_shape).astype(np.uint8)
    memory = memory_with(program, image)
    run_program(design, memory, program.program_base, 0)
    assert_maps(network, program, image, memory)

    plan = plan_program(compile_network(squeezenet(224, weights=weights), design))
    with capsys.disabled():
        print(f"\nSqueezeNet 1.1: {len(plan.passes)} passes, {plan.cycles:.0f} cycles")
    assert sum(one.end - one.first for one in plan.passes) == sum(
        layer.out_channels for layer in network.layers
    )


@pytest.mark.parametrize("channels", [5, 24, 40, 70])
@pytest.mark.parametrize("pool", [None, Pool((3, 3), (2, 2))])
@pytest.mark.parametrize("beside", [0, 8])
def test_commands_are_runs_of_words(channels, pool, beside):
    """Words in the order in which a pass gives them out, as bursts of at most 64."""
    rng = np.random.default_rng(channels)
    layers = [_layer(rng, IMAGE, channels, 3, pool)]
    layers += [_layer(rng, IMAGE, beside, 3, pool)] if beside else []
    seen = [Connection(i, _kernel(rng, 4, layer.out_channels)) for i, layer in enumerate(layers)]
    layers.append(Layer("last", tuple(seen), np.zeros(4, np.int32), None, None))
    network = Network(
        input_shape=(3, 10, 10), zero_point=np.zeros(3, np.uint8), layers=tuple(layers),
        coding=Coding.RADIX, steps=4, delay=0, readout=Readout.CURRENT, outputs=(len(layers) - 1,),
    )  # fmt: skip
    design = EngineDesign(lanes=4, neurons=16)
    task = Task(network, network_readings(network), design, densities(network), 1)
    draft = layer_passes(task, 0, fold=False)[0]
    target = task.readings.map_of[0]
    size = 4 if pool else 10
    for strip in (1,) if pool else (1, 2):
        chosen = replace(draft, strip=strip)
        # One turn of F numbers of four bits is a word.
        words = [
            (row * size + column) * target.pixel_words + turn
            for row in range(size)
            for start in range(0, size, strip)
            for turns in _group_turns(channels, 16)
            for column in range(start, min(start + strip, size))
            for turn in turns
        ]
        commands, length = 1, 1
        for one, following in pairwise(words):
            joins = following == one + 1 and length < BURST_WORDS
            commands, length = (commands, length + 1) if joins else (commands + 1, 1)
        # Where a map has no other channels, rows and strips may follow one another as well.
        follow = 0 if beside else size * (1 if strip == 1 else size // strip)
        assert draft.block.end == channels
        assert commands <= write_commands(chosen, target) <= commands + follow


def _group_turns(channels, neurons):
    """Turns of each group, those that are written."""
    turns = -(-channels // 8)
    groups = -(-channels // neurons)
    each = max(2, -(-turns // groups))
    return [range(g * each, min((g + 1) * each, turns)) for g in range(groups)]


def _kernel(rng, outputs, inputs, side=1):
    return rng.integers(-9, 9, (outputs, inputs, side, side)).astype(np.int8)


def _layer(rng, source, channels, inputs, pool):
    thresholds = np.full(channels, 50, np.int32)
    connection = Connection(source, _kernel(rng, channels, inputs))
    bias = np.zeros(channels, np.int32)
    return Layer(f"layer{channels}", (connection,), bias, thresholds, thresholds // 2, pool)
