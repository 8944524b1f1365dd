"""Kernels that decayed beside their thresholds: the neurons do what the float graph's do."""

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.graph.levels import Levels
from rheobase.converter.lower.constant_channels import Reach, held_scales
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from rheobase.golden import run_golden
from rheobase.golden.network.network import Coding
from tests.support.models.exact_models import (
    LEVEL,
    MEAN,
    STD,
    Branches,
    Pooled,
    assert_equal,
    exact,
)
from tests.support.networks.spiking_graph import radix, rate

#: Biases of decayed channels as parts of the threshold: silent, now and then, at every step, far
#: beyond both. With none of them a potential comes to rest on the threshold.
BIASES = (0.0, -2.5, 0.31, 3.7, -1e7, 1e7)


def decayed(model: nn.Module, names: tuple[str, ...], part: float) -> nn.Module:
    """Every other channel of the layers ``names`` has ``part`` of its kernel left."""
    for number, name in enumerate(names):
        layer = model.get_submodule(name)
        for index in range(number, len(layer.weight), 2):
            layer.weight.data[index] *= part
            layer.bias.data[index] = BIASES[(index + number) // 2 % len(BIASES)] * LEVEL
    return model


@pytest.mark.parametrize(
    ("kind", "size", "names"),
    [(Branches, (8, 8), ("stem", "depthwise")), (Pooled, (13, 13), ("stem", "left"))],
)
@pytest.mark.parametrize("coding", Coding)
@pytest.mark.parametrize("part", [2.0**-42, 2.0**-70])
def test_spikes_equal_the_graphs(kind, size, names, coding, part):
    steps = 7 if coding == Coding.RATE else 3
    top = 1 if coding == Coding.RATE else 2**steps - 1
    model = decayed(exact(kind(), 3), names, part)
    graph = prepared(trace(model, (3, *size))).to("cpu", torch.float64)
    thresholds = {o.name: torch.full((o.shape[0],), LEVEL * top) for o in graph.neurons}
    lowered = lower_graph(graph, thresholds, mean=MEAN, std=STD, coding=coding, steps=steps)
    images = np.random.default_rng(1).integers(0, 256, (6, 3, *size)).astype(np.uint8)
    real = torch.from_numpy(images.astype(float)) - 51
    expected = (rate if coding == Coding.RATE else radix)(graph, real, thresholds, steps)
    assert_equal(lowered, run_golden(lowered.network, images), expected)
    constant = {scale.name: int(scale.constant.sum()) for scale in lowered.layers}
    wanted = sum(
        -(-(len(model.get_submodule(name).weight) - at) // 2) for at, name in enumerate(names)
    )
    assert sum(constant.values()) == wanted
    assert all(
        layer.threshold is None or layer.threshold.max() < 2**20
        for layer in lowered.network.layers
        if constant[layer.name]
    )


def test_a_channel_that_can_move_keeps_its_weights():
    """The potential comes to rest within reach of the threshold, so the weights decide."""
    reach = [Reach(np.array([[1e-10, 2e-10]] * 3), 0.0, 1.0, slice(0, 3))]
    bias, level = np.array([0.5, 0.5 - 1e-9, 0.4]), np.ones(3)
    held = held_scales(
        np.full(3, 1e-10), bias, level, 0.5, lambda: reach, repeats=4, levels=Levels(1, 0, 1)
    )
    assert held.constant.tolist() == [False, False, True]
    assert held.scale.tolist() == [2.0**-30, 2.0**-30, 2.0**-15]
    wide = held_scales(
        np.full(3, 1e-3), bias, level, 0.5, lambda: reach, repeats=4, levels=Levels(1, 0, 1)
    )
    assert not wide.constant.any() and wide.scale.tolist() == [1e-3] * 3


def test_a_readout_of_decayed_weights():
    """Scores whose biases are far above what the weights add."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))
    model[3].weight.data *= 1e-12
    model.eval()
    graph = prepared(trace(model, (3, 5, 5)))
    lowered = lower_graph(graph, {"1": 1.0}, mean=MEAN, std=[0.3] * 3, coding=Coding.RADIX, steps=4)
    images = np.zeros((2, 3, 5, 5), np.uint8)
    found = lowered.real_outputs(run_golden(lowered.network, images).outputs)["out"]
    np.testing.assert_allclose(found, np.tile(model[3].bias.detach(), (2, 1)), rtol=1e-6)
