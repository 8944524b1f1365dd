"""What is said of a program's passes is what the functional model counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rheobase.golden import Coding, count_events
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.compiler.plan import plan_program
from rheobase.hw.engine.design import EngineDesign
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
    bounds = {"passes": 0.0, "words": 0.0}
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
        bounds["words"] += moved + 2 * run.weight_words
        assert 0.75 * one.cost.accumulations < events < 1.25 * one.cost.accumulations + 100
    assert plan.least == pytest.approx(max(bounds.values()))


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
