"""Networks of SpikingJelly's ann2snn: beside SpikingJelly itself, and without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.interop.spiking_model import import_spikingjelly
from rheobase.golden import PoolRule, RheobaseError, run_golden

STEPS = 24


class IFNode(nn.Module):
    """What SpikingJelly's neurons hold, and nothing of how they run."""

    def __init__(self, v_threshold=1.0, v_reset=None, start=0.0, step_mode="s"):
        super().__init__()
        self.v_threshold, self.v_reset, self.step_mode = v_threshold, v_reset, step_mode
        self._memories_rv = {"v": start}


class VoltageScaler(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, x):
        return x * self.scale


for kind in (IFNode, VoltageScaler):
    kind.__module__ = "spikingjelly.activation_based"


def spiking(*neurons: nn.Module, scale: float = 4.0) -> nn.Module:
    torch.manual_seed(0)
    first, second = (
        nn.Sequential(VoltageScaler(1 / scale), n, VoltageScaler(scale)) for n in neurons
    )
    convolution = nn.Conv2d(1, 4, 3)
    return nn.Sequential(
        convolution, first, nn.Flatten(), nn.Linear(144, 6), second, nn.Linear(6, 3)
    )


def images(count=5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8)).astype(np.uint8)


def imported(model, **options):
    return import_spikingjelly(model, (1, 8, 8), steps=STEPS, mean=0.5, std=0.25, **options)


def test_thresholds_and_potentials_are_kept():
    model = spiking(IFNode(), IFNode(2.0, start=1.5))
    found = imported(model, delay=3)
    first, second, last = found.network.layers
    units = [layer.scale for layer in found.layers]
    # In front of the scalers a spike is worth the scale: 4 and, at a threshold of 2, 8.
    assert np.allclose(first.threshold * units[0], 1.0, rtol=0.02)
    assert np.allclose(second.threshold * units[1], 2.0, rtol=0.02)
    assert np.abs(first.initial_potential).max() < 0.05 * first.threshold.max()
    assert np.allclose(second.initial_potential / second.threshold, 0.75, atol=0.05)
    assert (first.name, second.name) == ("1.1.relu", "4.1.relu") and last.threshold is None
    assert (found.network.steps, found.network.delay) == (STEPS, 3)
    assert isinstance(model[1][1], IFNode)  # nothing is changed


@pytest.mark.parametrize(
    ("neurons", "message"),
    [
        (IFNode(v_reset=0.0), r"4\.1 \(IFNode; accepted: .*v_reset=None"),
        (IFNode(step_mode="m"), r"4\.1 \(IFNode; accepted: IFNode in single-step mode"),
        (IFNode(v_threshold=0.0), r"4\.1 \(IFNode"),
        (nn.ReLU(), r"4\.1 has no threshold"),
        (nn.Sigmoid(), r"4\.1 \(Sigmoid"),
    ],
)
def test_other_neurons(neurons, message):
    with pytest.raises(RheobaseError, match=message):
        imported(spiking(IFNode(), neurons))


def test_none():
    with pytest.raises(RheobaseError, match="no neurons of SpikingJelly"):
        imported(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))


def recipes(ann2snn, loader):
    return {
        "rate": ann2snn.RateCodingRecipe(loader),
        "channels": ann2snn.RateCodingRecipe(loader, channel_wise=True, half_threshold=True),
        "balanced": ann2snn.LocalThresholdBalancingRecipe(loader),
    }


@pytest.mark.parametrize("recipe", ["rate", "channels", "balanced"])
@pytest.mark.parametrize("pooling", [nn.AvgPool2d, nn.MaxPool2d])
def test_beside_spikingjelly(recipe, pooling):
    """The scores follow SpikingJelly's own, step by step, up to 8 bits of the weights."""
    pytest.importorskip("spikingjelly", reason="an extra (peers)")
    from spikingjelly.activation_based import ann2snn, functional

    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)),
        *(
            (nn.ReLU(), nn.AvgPool2d(2))
            if pooling is nn.AvgPool2d
            else (nn.MaxPool2d(2), nn.ReLU())
        ),
        *(nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 5)),
    ).eval()
    pixels = images(16)
    real = (torch.tensor(pixels) / 255 - 0.5) / 0.25
    loader = [(real, torch.zeros(16))]
    snn = ann2snn.FXConverter(recipes(ann2snn, loader)[recipe], "cpu").convert(model).eval()
    found = imported(snn)
    functional.reset_net(snn)
    with torch.no_grad():
        expected = torch.stack([snn(real) for _ in range(STEPS)]).mean(0).numpy()
    outputs = found.real_outputs(run_golden(found.network, pixels).outputs)["out"]
    assert np.abs(outputs - expected).max() < 0.08 * np.abs(expected).max()
    if pooling is nn.MaxPool2d:
        assert found.network.layers[0].pool.rule == PoolRule.STEP
