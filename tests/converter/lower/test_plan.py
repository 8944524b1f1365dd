"""Planned layers of models against the models themselves, in float64; and what is refused."""

import re

import pytest
import torch
import torch.nn.functional as functional
from torch import nn

from rheobase.converter.lower.plan import plan_layers
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError
from tests.support.networks.planned import planned_outputs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """Normalisation statistics that differ from the identity, evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 1.5),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
            ):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)
    return model.eval()


class Residual(nn.Module):
    """Option A, a projection, a bottleneck without ReLU, several outputs in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.a = nn.Sequential(
            nn.Conv2d(4, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.BatchNorm2d(8),
        )
        self.b = nn.Conv2d(8, 6, 1)
        self.project = nn.Conv2d(8, 6, 1)
        self.narrow = nn.Conv2d(6, 2, 1)
        self.wide = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 5, 1), nn.ReLU6())
        self.head = nn.Linear(5, 3)
        self.unused = nn.Conv2d(6, 2, 3)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        skipped = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        x = torch.relu(self.a(x) + skipped)
        x = functional.relu(self.b(x) * 0.5 + self.project(x) - 0.25)
        self.unused(x)
        y = self.wide(self.narrow(x))
        return {"scores": self.head(y.mean((2, 3))), "narrow": self.narrow(x)}


class Dense(nn.Module):
    """Concatenation, pre-activation normalisation, a transition with average pooling, slices."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1, bias=False)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(4 + 3 * index),
                nn.ReLU(),
                nn.Conv2d(4 + 3 * index, 6, 1, bias=False),
                nn.BatchNorm2d(6),
                nn.ReLU(),
                nn.Conv2d(6, 3, 3, padding=1, bias=False),
            )
            for index in range(3)
        )
        self.transition = nn.Sequential(
            nn.BatchNorm2d(13), nn.ReLU(), nn.Conv2d(13, 6, 1, bias=False), nn.AvgPool2d(2)
        )
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        features = [self.stem(x)]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        x = self.transition(torch.cat(features, 1))
        first, second = x.chunk(2, 1)
        x = functional.relu(self.norm(torch.cat((second, first), 1)))
        return self.head(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


class Windows(nn.Module):
    """Grouped, depthwise, dilated and 'same' convolution, both poolings, padded by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 6, 4, padding="same"),
            nn.MaxPool2d(2, 2),
            nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=6),
            nn.BatchNorm2d(6),
            nn.ReLU6(),
            nn.ZeroPad2d((1, 0, 2, 1)),
            nn.Conv2d(6, 8, (3, 2), (2, 1), groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
            nn.AvgPool2d(2, 1, 1),
            nn.Conv2d(8, 5, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((2, 1)),
            nn.Flatten(),
            nn.BatchNorm1d(10),
            nn.Dropout(),
            nn.Linear(10, 7),
            nn.ReLU(),
            nn.Linear(7, 4),
        )

    def forward(self, x):
        return self.net(x)


class Cells(nn.Module):
    """Adaptive pooling to cells that do not divide the map, and flattened maps side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU())
        self.more = nn.Sequential(nn.Conv2d(4, 3, 3, 2), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d((5, 4))
        self.head = nn.Sequential(nn.Linear(4 * 20 + 3 * 9 + 3, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, x):
        x = self.features(x)
        y = self.more(x)
        parts = (self.pool(x).flatten(1), y.flatten(1) * 0.5, y.mean((2, 3)))
        return self.head(torch.cat(parts, 1))


class CeilPools(nn.Module):
    """``ceil_mode`` windows that reach beyond the map, after ReLU and after a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.left, self.right = nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.head = nn.Conv2d(6, 2, 1)

    def forward(self, x):
        x = self.pool(functional.relu(self.stem(x)))
        x = torch.cat((functional.relu(self.left(x)), functional.relu(self.right(x))), 1)
        return self.head(self.pool(x)), functional.relu(self.head(x))


MODELS = [
    (Residual, (3, 10, 8)),
    (Dense, (3, 16, 12)),
    (Windows, (3, 16, 12)),
    (Cells, (3, 16, 15)),
    (CeilPools, (3, 14, 16)),
    (CeilPools, (3, 13, 13)),
]


@pytest.mark.parametrize(("kind", "shape"), MODELS)
def test_plan_computes_what_the_model_does(kind, shape):
    torch.manual_seed(1)
    model = randomised(kind()).double()
    images = torch.randn(3, *shape, dtype=torch.float64)
    graph = prepared(trace(model, shape))
    found = planned_outputs(plan_layers(graph, counted=False), images)
    with torch.no_grad():
        expected = model(images)
    if isinstance(expected, torch.Tensor):
        expected = {"out": expected}
    elif isinstance(expected, tuple):
        expected = {str(index): entry for index, entry in enumerate(expected)}
    assert found.keys() == expected.keys()
    for label, values in expected.items():
        torch.testing.assert_close(found[label], values, rtol=1e-9, atol=1e-9)


class Refused(nn.Module):
    """One of everything that has no exact form, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.twice = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 3, padding=1)
        )
        self.separable = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.Conv2d(4, 32, 1)
        )
        self.norm = nn.GroupNorm(2, 4)
        self.mirrored = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.counted = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.stem(x)
        y = functional.relu(self.twice(x))
        z = functional.relu(self.separable(x)[:, :4]) + functional.relu(self.norm(x))
        small = functional.relu(self.head(self.counted(x)))
        wide = functional.interpolate(functional.max_pool2d(x, 2), scale_factor=2)
        return self.head(functional.relu(self.mirrored(x) + wide + y + z)), small


def test_all_that_is_refused_is_named():
    graph = prepared(trace(Refused().eval(), (3, 8, 8)))
    with pytest.raises(RheobaseError) as caught:
        plan_layers(graph, counted=False)
    entries = str(caught.value).removeprefix("model cannot be lowered: ").split("; ")
    expected = {
        "twice.1": "Conv2d: linear right after twice.0 without ReLU in between, padded; ",
        "separable.1": "of 1152 weights in one kernel; accepted: at most 656",
        "norm": "GroupNorm; accepted: .*float-only",
        "mirrored": "padding mode 'reflect'",
        "head": "average pooling of 8 x 8 to 4 x 4, cells of unequal size",
        "interpolate": "float-only",
    }
    text = str(caught.value)
    for path, words in expected.items():
        assert re.search(rf"(: |; ){re.escape(path)}[^ ]* \([^()]*{words}", text), (path, text)
    assert len(re.findall("accepted:", text)) == len(expected), entries


class Volumes(nn.Module):
    """Video: every 3-d operation is named."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv3d(3, 2, 3), nn.BatchNorm3d(2), nn.ReLU(), nn.MaxPool3d(2))
        self.head = nn.Linear(2, 3)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3, 4)))


def test_3d_convolution_is_float_only():
    graph = prepared(trace(Volumes().eval(), (3, 4, 8, 8)))
    with pytest.raises(RheobaseError, match=r"conv\.0 \(Conv3d: 3-d convolution; .*float-only"):
        plan_layers(graph, counted=False)


class Segmented(nn.Module):
    """What follows the last linear operation stays outside."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 3, 1)

    def forward(self, x):
        y = self.head(functional.relu(self.stem(x)))
        return functional.interpolate(y, x.shape[-2:], mode="bilinear").softmax(1)


def test_what_follows_the_network_is_left_out():
    graph = prepared(trace(Segmented().eval(), (3, 9, 9)))
    plan = plan_layers(graph, counted=False)
    output = plan.outputs["out"]
    assert (output.layers, output.index, output.shape) == (("head",), None, (3, 4, 4))
    assert len(plan.left_out) == 2 and "interpolate" in " ".join(plan.left_out)
