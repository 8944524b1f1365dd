"""Where neurons that fire signed are put, and which linear layers are multiplied out."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import rheobase
from rheobase.converter.signed.choice import kernel_weights, with_linear_layers
from rheobase.converter.signed.placement import linear_points, signed_points, with_signed
from rheobase.converter.summary import summary_lines
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from tests.support.models.small_models import bottlenecks, calibration_images, prepared_graph
from tests.support.networks.planned import Lambda


class Stream(nn.Module):
    """Normalisation and ReLU in front of the kernels: nothing behind the sums."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4) for _ in range(3)])
        self.kernels = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)])

    def forward(self, x):
        x = self.stem(x)
        for norm, kernel in zip(self.norms, self.kernels, strict=True):
            x = x + kernel(functional.relu(norm(x)))
        return x.mean((2, 3))


class Dense(nn.Module):
    """Every layer sees all before it, with a normalisation of its own."""

    def __init__(self):
        super().__init__()
        self.kernels = nn.ModuleList([nn.Conv2d(2 * i, 2, 3, padding=1) for i in (1, 1, 2, 3)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(2 * i) for i in (1, 1, 2, 3)])

    def forward(self, x):
        maps = [self.kernels[0](x)]
        for index in (1, 2, 3):
            seen = functional.relu(self.norms[index](torch.cat(maps, 1)))
            maps.append(self.kernels[index](seen))
        return torch.cat(maps, 1).mean((2, 3))


CHAINS = {
    "ReLU in between": (nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 3)), ()),
    "two kernels": (nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 2, 3)), ("0",)),
    "average between": (
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(27, 2)),
        ("0",),
    ),
    "maximum without ReLU": (
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.Conv2d(3, 2, 3)),
        ("1",),
    ),
    "maximum of the image": (nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 2, 3)), ("0",)),
    "maximum in front of ReLU": (
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(3, 2, 3)),
        (),
    ),
    "two readers": (Lambda(lambda x: torch.cat((x.relu(), -(-x).relu()), 1)), ()),
    "stream": (Stream(), ("stem", "add", "add#2")),
    "dense": (Dense(), ("kernels.0",)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_points(name):
    model, points = CHAINS[name]
    graph = prepared_graph(model.eval(), (2, 8, 8))
    assert linear_points(graph) == points
    marked = with_signed(graph, dict.fromkeys(points))
    assert tuple(signed_points(marked)) == points
    assert len(marked.neurons) == len(graph.neurons) + len(points)


def _plain_weights(conversion):
    return sum(c.weight.size for layer in conversion.network.layers for c in layer.connections)


class Sloped(nn.Module):
    """A slope that can be two layers, and one behind a maximum, which cannot."""

    def __init__(self):
        super().__init__()
        self.first, self.slopes = nn.Conv2d(3, 6, 3, 2, padding=1), nn.PReLU(6)
        self.slopes.weight.data = torch.linspace(0.1, 1.0, 6)
        self.second, self.head = nn.Conv2d(6, 4, 3), nn.Linear(36, 3)

    def forward(self, x):
        x = functional.max_pool2d(self.second(self.slopes(self.first(x))), 2)
        return self.head(functional.leaky_relu(x, 0.25).flatten(1))


@pytest.mark.parametrize(
    ("given", "signed"),
    [
        ({"coding": "radix", "steps": 6}, True),
        ({"coding": "radix", "steps": 2}, False),
        ({"coding": "radix", "steps": 6, "growth": math.inf}, False),
        ({"coding": "rate", "steps": 64}, True),
        ({"coding": "rate", "steps": 64, "growth": math.inf}, False),
    ],
)
def test_slopes_that_two_layers_can_take(given, signed, tmp_path):
    """They do where signed neurons lose much, and where that is asked for."""
    torch.manual_seed(0)
    model, images = Sloped().eval(), calibration_images()
    options = rheobase.Options(**given, iterations=400, method="cltb")
    made = rheobase.convert(model, images, mean=0.5, std=0.25, options=options)
    (layer,) = made.linear
    assert (layer.name, layer.slope, layer.signed) == ("slopes", True, signed)
    layers = [layer.name for layer in made.network.layers]
    assert layers == [
        *(["slopes"] if signed else ["slopes:above", "slopes:below"]),
        "leaky_relu",
        "head",
    ]
    assert ("two layers of ReLU" in "\n".join(summary_lines(made))) != signed
    pixels = (torch.from_numpy(images) / 255 - 0.5) / 0.25
    with torch.no_grad():
        expected = model(pixels).numpy()
    found = made.lowered.real_outputs(rheobase.run_golden(made, images).outputs)["out"]
    if options.steps > 2:
        assert np.linalg.norm(found - expected) < 0.2 * np.linalg.norm(expected)
        diagnosed = rheobase.diagnose(made, model, images, mean=0.5, std=0.25)
        assert max(one.weights for one in diagnosed.layers) < 0.05
    path = tmp_path / "snn.safetensors"
    rheobase.save_float_snn(made.snn, made.graph, path)
    again = rheobase.load_float_snn(path, model)
    torch.testing.assert_close(again(pixels), made.snn(pixels), rtol=0, atol=0)


@pytest.mark.parametrize("coding", Coding)
def test_signed_layers_keep_the_models_weights(coding):
    """The shortcut of the one residual sum adds a weight for each of its channels."""
    model, images = bottlenecks(), calibration_images()
    made = {
        growth: rheobase.convert(
            model,
            images,
            mean=0.5,
            std=0.25,
            options=rheobase.Options(coding=coding, steps=6, growth=growth, method="cltb"),
        )
        for growth in (1.0, math.inf)
    }
    kernels = sum(m.weight.numel() for m in model.modules() if hasattr(m, "in_channels"))
    kernels += model.head.weight.numel()
    assert _plain_weights(made[1.0]) == kernels + 8
    assert all(layer.signed for layer in made[1.0].linear)
    assert _plain_weights(made[math.inf]) > 1.2 * kernels
    assert not any(layer.signed for layer in made[math.inf].linear)
    signed = [layer.negative_threshold is not None for layer in made[1.0].network.layers]
    assert sum(signed) == len(made[1.0].linear) == 3
    lines = "\n".join(summary_lines(made[1.0]))
    assert f"{kernels + 8} integers for {kernels} of its kernels" in lines
    assert "linear layers that fire signed" in lines and "multiplied out" not in lines
    assert "linear layers that are multiplied out" in "\n".join(summary_lines(made[math.inf]))


def test_what_loses_most_is_multiplied_out_first():
    graph, images = prepared_graph(bottlenecks(), (3, 16, 16)), torch.randn(16, 3, 16, 16)
    given = {"coding": Coding.RADIX, "growth": 1.1}
    kernels = kernel_weights(graph)
    for steps in (2, 4, 6):
        marked, layers = with_linear_layers(graph, [images], steps=steps, **given)
        errors = {layer.name: layer.error for layer in layers}
        assert tuple(signed_points(marked)) == tuple(layer.name for layer in layers if layer.signed)
        if steps == 2:  # three levels and a half: that is no signal
            assert min(errors.values()) > 0.1 and not signed_points(marked)
        else:
            assert max(errors.values()) < 0.1 and 0 < len(signed_points(marked)) < len(layers)
    assert kernels == kernel_weights(marked)


def test_a_product_that_is_not_larger_needs_no_neurons():
    model = nn.Sequential(nn.Conv2d(2, 8, 1), nn.Conv2d(8, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 1))
    model.append(nn.Conv2d(2, 4, 1))
    graph = prepared_graph(model, (2, 8, 8))
    given = {"coding": Coding.RATE, "steps": 32, "growth": 1.0}
    marked, layers = with_linear_layers(graph, [torch.randn(8, 2, 8, 8)], **given)
    # 3 x 2 x 3 x 3 in place of 16 + 216, 12 in place of 6 + 8.
    assert [(layer.name, layer.signed) for layer in layers] == [("0", False), ("3", False)]
    assert not signed_points(marked)
    model[3], model[4] = nn.Conv2d(3, 1, 1), nn.Conv2d(1, 4, 1)  # 12 in place of 3 + 4
    marked, _ = with_linear_layers(
        prepared_graph(model, (2, 8, 8)), [torch.randn(8, 2, 8, 8)], **(given | {"growth": 1.01})
    )
    assert not signed_points(marked)  # what the first saves pays for the other


def test_what_no_product_can_hold_is_signed():
    """A padded kernel sees the bias of the one before it inside the map alone."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Flatten(), nn.Linear(144, 3)
    )
    images = np.random.default_rng(0).integers(0, 256, (16, 2, 8, 8)).astype(np.uint8)
    options = rheobase.Options(coding="radix", steps=8, growth=math.inf, method="cltb")
    made = rheobase.convert(model, images, mean=0.5, std=0.25, options=options)
    assert {layer.name: layer.signed for layer in made.linear} == {"0": True, "1": False}
    scores = rheobase.run_golden(made, images).outputs
    with torch.no_grad():
        expected = model((torch.from_numpy(images) / 255 - 0.5) / 0.25).numpy()
    found = made.lowered.real_outputs(scores)["out"]
    assert np.abs(found - expected).max() < 0.1 * expected.std()


def test_the_float_snn_alone_needs_none():
    made = rheobase.convert(
        bottlenecks(),
        calibration_images(),
        mean=0.5,
        std=0.25,
        options=rheobase.Options(steps=4, lower=False, method="cltb"),
    )
    assert made.linear == () and len(made.graph.neurons) == 8


def test_growth_is_checked():
    with pytest.raises(RheobaseError, match=r"growth: 0\.5, must be 1 or more"):
        rheobase.convert(
            bottlenecks(),
            calibration_images(),
            mean=0.5,
            std=0.25,
            options=rheobase.Options(growth=0.5),
        )
