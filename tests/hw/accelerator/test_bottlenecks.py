"""MobileNetV2's block, and spikes that are taken back, converted: every spike of the Verilog."""

import numpy as np
import pytest
import torch
from torch import nn

import rheobase
from rheobase.golden import Coding
from rheobase.hw.planning.default_folding import default_folding
from tests.support.models.small_models import InvertedResidual, calibration_images, residual
from tests.support.simulation.equality import check_equal


@pytest.mark.parametrize(
    ("coding", "steps", "activation", "names"),
    [
        pytest.param(
            Coding.RADIX, 3, nn.ReLU6(), ["0:signed", "1.add:signed"], marks=pytest.mark.slow
        ),
        pytest.param(
            Coding.RATE,
            6,
            nn.LeakyReLU(0.25),
            ["0:signed", "1.add:signed", "3"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["radix", "rate"],
)
def test_an_inverted_residual_between_linear_layers(coding, steps, activation, names):
    """A stream that fires signed into kernels, and into the residual sum, which fires signed."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, padding=1),
        InvertedResidual(4, 4),
        nn.Conv2d(4, 8, 1),
        activation,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    )
    with torch.no_grad():
        for _ in range(10):
            model(torch.randn(16, 3, 8, 8))  # running statistics
    images = calibration_images(16, (3, 8, 8))
    options = rheobase.Options(coding=coding, steps=steps, growth=1.0, method="cltb")
    network = rheobase.convert(model.eval(), images, mean=0.5, std=0.25, options=options).network
    signed = [i for i, x in enumerate(network.layers) if x.negative_threshold is not None]
    assert [network.layers[index].name for index in signed] == names
    assert signed[0] in [c.source for c in network.layers[signed[1]].connections]
    record = rheobase.run_golden(network, images[:3], record=True).layers
    for index in signed:  # some are negative: in radix the first plane says so
        spikes = record[index].spikes
        assert 0 < (spikes[:, 0] if coding == Coding.RADIX else spikes < 0).mean() < 1
    check_equal(network, default_folding(network, adders=20), np.random.default_rng(0), images=3)


@pytest.mark.slow
def test_spikes_that_are_taken_back():
    """Pooled, with groups, a shortcut and a sum; second thresholds are very large."""
    images = calibration_images(16, (2, 8, 8))
    options = rheobase.Options(steps=6, method="cltb", take_back=True)
    network = rheobase.convert(residual(), images, mean=0.5, std=0.25, options=options).network
    record = rheobase.run_golden(network, images[:3], record=True).layers
    for layer in record[1:3]:
        assert (layer.spikes < 0).any() and layer.spikes.sum(axis=1).min() == 0
    check_equal(network, default_folding(network, adders=20), np.random.default_rng(0), images=3)
