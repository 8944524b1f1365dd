"""Neurons that fire signed, calibrated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import rheobase
from rheobase.converter.calibrate.calibration import Calibration
from rheobase.converter.calibrate.trains import Trains
from rheobase.converter.graph.levels import is_signed
from rheobase.converter.graph.sampling import at_positions, sampled_positions
from rheobase.converter.graph.segments import run_segment, segment_of
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.snn.firing import fire, starting
from rheobase.converter.tracing.trace import trace
from rheobase.golden.network.network import Coding, PoolRule
from tests.support.models.small_models import bottlenecks, calibration_images


def relative_error(conversion, images, expected):
    scores = rheobase.run_golden(conversion, images).outputs
    found = conversion.lowered.real_outputs(scores)["out"]
    return np.linalg.norm(found - expected) / np.linalg.norm(expected - expected.mean(axis=0))


@pytest.mark.parametrize(
    ("coding", "steps"), [(Coding.RADIX, 4), pytest.param(Coding.RATE, 16, marks=pytest.mark.slow)]
)
def test_calibration_comes_closer_to_the_model(coding, steps):
    model, images = bottlenecks(), calibration_images(24)
    with torch.no_grad():
        expected = model((torch.from_numpy(images) / 255 - 0.5) / 0.25).numpy()
    plain = rheobase.Options(
        coding=coding, steps=steps, method="cltb", growth=1.0, only_if_better=False
    )
    calibrated = replace(plain, calibration=Calibration(weights=1, ridge=None))
    made = [
        rheobase.convert(model, images, mean=0.5, std=0.25, options=options)
        for options in (plain, calibrated)
    ]
    errors = [relative_error(conversion, images, expected) for conversion in made]
    assert errors[1] < 0.9 * errors[0]
    found = made[1].calibrated
    signed = [o.name for o in made[1].snn.graph.neurons if is_signed(o)]
    assert len(signed) == 3
    # The kernel in front of a sum is fitted, with its shortcut, where that holds on other images.
    assert set(signed) & set(found.changed)
    for name in signed:
        assert name in found.scales
        assert 0 < found.errors[name] < 0.2


@pytest.mark.parametrize(("coding", "steps"), [(Coding.RADIX, 4), (Coding.RATE, 5)])
def test_trains_are_numbers_in_a_byte_and_give_the_neurons_outputs(coding, steps):
    graph = prepared(trace(bottlenecks(), (3, 8, 8)))
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    trains = Trains(images, coding, steps, PoolRule.CUMULATIVE)
    values = {graph.operations[0].name: images[None]}
    for operation in graph.neurons:
        segment = segment_of(graph, operation.inputs[0])
        neurons = starting(
            torch.linspace(1, 2, operation.shape[0]), slope=operation.arguments["slope"]
        )
        trains.fire(graph, segment, operation, neurons)
        currents = run_segment(segment, values, cumulative=True)
        values[operation.name] = fire(currents, neurons, coding, steps)
        numbers, unit = trains._trains[operation.name]
        assert numbers.dtype == torch.int8
        worth = numbers * unit.reshape(-1, *[1] * (numbers.ndim - 3))
        torch.testing.assert_close(worth, values[operation.name])
        assert bool((numbers < 0).any()) == is_signed(operation)


@pytest.mark.parametrize("mean", [False, True])
def test_sampled_currents_are_those_of_the_whole_map(mean):
    graph = prepared(trace(bottlenecks(), (3, 8, 8)))
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 3, 8, 8, generator=generator)
    trains = Trains(images, Coding.RATE, 3, PoolRule.CUMULATIVE)
    values = {graph.operations[0].name: images[None]}
    for operation in graph.neurons:
        segment = segment_of(graph, operation.inputs[0])
        positions = sampled_positions(operation.shape, 4, 40, generator)
        expected = run_segment(segment, values, cumulative=True)
        whole = expected.mean(dim=0, keepdim=True) if mean else expected
        wanted = torch.stack([at_positions(step, positions) for step in whole])
        found = trains.sampled(graph, segment, positions, mean=mean)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
        neurons = starting(torch.full(operation.shape[:1], 1.5), slope=operation.arguments["slope"])
        trains.fire(graph, segment, operation, neurons)
        values[operation.name] = fire(expected, neurons, Coding.RATE, 3)
