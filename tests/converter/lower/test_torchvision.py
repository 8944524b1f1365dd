"""torchvision's classifiers with random weights: lowered, in the golden model, near the model.

The reference is the network with clipped activations, run by torch.
"""

import numpy as np
import pytest
import torch

from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.lower.outside import network_weights
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.signed.choice import kernel_weights
from rheobase.converter.signed.placement import linear_points, with_signed
from rheobase.converter.tracing.trace import trace
from rheobase.golden import run_golden
from rheobase.golden.network.network import Coding
from tests.support.networks.spiking_graph import activations, clipped

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
#: Name, side of the image, largest relative error in radix with T = 8.
MODELS = [
    ("resnet18", 32, 0.05),
    ("mobilenet_v2", 32, 0.05),
    ("squeezenet1_1", 40, 0.05),
    ("regnet_x_400mf", 32, 0.05),
    pytest.param("googlenet", 48, 0.05, marks=pytest.mark.slow),
    pytest.param("densenet121", 32, 0.05, marks=pytest.mark.slow),
    pytest.param("vgg11_bn", 32, 0.05, marks=pytest.mark.slow),
    pytest.param("alexnet", 80, 0.05, marks=pytest.mark.slow),
]


def _model(name):
    torch.manual_seed(0)
    options = {"weights": None, "num_classes": 10}
    if name == "googlenet":
        options |= {"aux_logits": False, "init_weights": False}
    model = getattr(import_torchvision("torchvision.models"), name)(**options)
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        model.train()(images)  # statistics of normalisation that fit the random weights
    return model.eval()


def _compared(name, side, coding, steps):
    graph = prepared(trace(_model(name), (3, side, side)))
    graph = with_signed(graph, dict.fromkeys(linear_points(graph)))
    pixels = np.random.default_rng(2).integers(0, 256, (4, 3, side, side)).astype(np.uint8)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    images = (torch.from_numpy(pixels) / 255 - mean) / std
    thresholds = {
        name: (value.transpose(0, 1).flatten(1).amax(1) * 0.9).clamp(min=1e-2)
        for name, value in activations(graph, images).items()
    }
    expected = clipped(graph, images, thresholds)["out"].numpy()
    lowered = lower_graph(graph, thresholds, mean=MEAN, std=STD, coding=coding, steps=steps)
    found = lowered.real_outputs(run_golden(lowered.network, pixels).outputs)["out"]
    assert expected.std() > 0
    # Signed neurons take no product of kernels, and one weight for a channel that is read.
    assert network_weights(lowered.network) < 1.05 * kernel_weights(graph)
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize(("name", "side", "largest"), MODELS)
def test_radix_is_near_the_clipped_model(name, side, largest):
    assert _compared(name, side, Coding.RADIX, 8) < largest


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side", "steps", "largest"), [("resnet18", 32, 64, 0.1)])
def test_rate_is_near_the_clipped_model(name, side, steps, largest):
    assert _compared(name, side, Coding.RATE, steps) < largest
