"""Calibration of QCFS models, of copied neurons, and of graphs with several outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rheobase.converter.calibrate.calibration import Calibration, calibrate
from rheobase.converter.conversion import Conversion, convert
from rheobase.converter.graph.analog import analog_outputs
from rheobase.converter.graph.copied import copied_threshold
from rheobase.converter.graph.graph import Graph
from rheobase.converter.options import Options
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.thresholds.balancing import balance
from rheobase.converter.tracing.qcfs import Qcfs
from rheobase.converter.tracing.trace import trace
from rheobase.golden.network.network import Coding


class WithQcfs(nn.Module):
    """Clip-floor-shift activations that clip here and there, a residual sum, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.acts = nn.ModuleList([Qcfs(4, 0.9), Qcfs(4, 0.5), Qcfs(8, 1.1)])
        self.linear, self.side = nn.Linear(8 * 16, 5), nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = functional.max_pool2d(self.acts[0](self.first(x)), 2)
        y = self.acts[1](self.second(x))
        x = self.acts[2](x + y)
        return self.linear(x.flatten(1)), self.side(y)


class WithCopies(nn.Module):
    """A pooled map that is also read unpooled, so neurons repeat it; two outputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.third, self.linear = nn.Conv2d(8, 6, 3), nn.Linear(6 * 4, 5)
        self.side = nn.Conv2d(8, 3, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        wide = self.first(x).relu()
        pooled = functional.max_pool2d(wide, 2)
        side = self.side((wide + self.second(wide)).relu())
        return {"scores": self.linear(self.third(pooled).relu().flatten(1)), "map": side}


class WithBranches(nn.Module):
    """A kernel that reads two layers of different sizes side by side, as in a fire module."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.narrow = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 5, 1)
        self.wide, self.joined = nn.Conv2d(6, 7, 3, padding=1), nn.Conv2d(12, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        x = torch.cat((self.narrow(x).relu(), self.wide(x).relu()), 1)
        return self.joined(x).relu().mean((2, 3))


class WithGroups(nn.Module):
    """A depthwise kernel and one of three groups, as in an inverted residual."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.depthwise = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.grouped, self.last = nn.Conv2d(6, 9, 3, stride=2, groups=3), nn.Conv2d(9, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(self.first(x).relu()).clamp(0, 6)
        return self.last(self.grouped(x).relu()).mean((2, 3))


MODELS = {"qcfs": WithQcfs, "copies": WithCopies}
SETTINGS = {
    "lcp": Calibration(thresholds=False, initial=False, samples=1024),
    "acp": Calibration(thresholds=False, initial=False, weights=2, samples=1024),
    "search": Calibration(bias=0, samples=1024),
    "all": Calibration(weights=1, samples=1024),
}
CODINGS = {"rate": (Coding.RATE, 4), "radix": (Coding.RADIX, 2)}


@pytest.fixture(scope="module", params=list(MODELS))
def subject(request: pytest.FixtureRequest) -> tuple[str, nn.Module, Graph, list[Tensor], dict]:
    torch.manual_seed(0)
    model = MODELS[request.param]().eval()
    graph = prepared(trace(model, (3, 8, 8)))
    batches = [torch.randn(100, 3, 8, 8) for _ in range(2)]
    return request.param, model, graph, batches, balance(graph, batches).thresholds


def flattened(found: object) -> list[Tensor]:
    values = found.values() if isinstance(found, dict) else found
    return [value.flatten(1) for value in values]


@pytest.mark.parametrize("coding", list(CODINGS))
@pytest.mark.parametrize("setting", list(SETTINGS))
def test_outputs_come_no_farther_from_the_torch_model(
    subject: tuple, setting: str, coding: str
) -> None:
    name, model, graph, batches, thresholds = subject
    kind, steps = CODINGS[coding]
    found = calibrate(
        graph, batches, thresholds, coding=kind, steps=steps, settings=SETTINGS[setting]
    )
    other = torch.randn(200, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        expected = flattened(model(other))

    def errors(**network: object) -> list[float]:
        outputs = flattened(FloatSnn(coding=kind, steps=steps, **network)(other))
        assert len(outputs) == len(expected)
        assert all(bool(torch.isfinite(output).all()) for output in outputs)
        return [
            float((output - wanted).square().mean() / wanted.square().mean())
            for output, wanted in zip(outputs, expected, strict=True)
        ]

    before = errors(graph=graph, thresholds=thresholds)
    after = errors(graph=found.graph, thresholds=found.thresholds, initial=found.initial)
    assert sum(after) <= sum(before) * 1.001
    assert list(found.graph.outputs) == list(graph.outputs)
    if name == "qcfs":
        for operation in graph.neurons:
            level = operation.arguments["cap"]
            assert operation.arguments["copy"] or operation.arguments["levels"] is not None
            assert bool((found.thresholds[operation.name] == level).all()), operation.name
    for operation in found.graph.neurons:
        if operation.arguments["copy"]:
            repeated = copied_threshold(graph, operation, found.thresholds)
            assert torch.equal(found.thresholds[operation.name], repeated)
            assert f"{operation.name}.shift" not in found.graph.by_name
    assert set(found.thresholds) == {operation.name for operation in graph.neurons}


def test_the_graphs_hold_what_is_tested(subject: tuple) -> None:
    name, model, graph, batches, _ = subject
    assert len(graph.outputs) == 2
    copies = any(operation.arguments["copy"] for operation in graph.neurons)
    assert copies == (name == "copies")
    outputs = flattened(analog_outputs(graph, batches[0]))
    with torch.no_grad():
        for output, wanted in zip(outputs, flattened(model(batches[0])), strict=True):
            torch.testing.assert_close(output, wanted, rtol=1e-3, atol=1e-3)


def converted(model: nn.Module) -> Conversion:
    """With 3-bit weights, T = 4 in ``radix``."""
    images = np.random.default_rng(1).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    options = Options(
        coding=Coding.RADIX,
        steps=4,
        weight_bits=3,
        calibration=Calibration(weights=1, samples=1024),
        only_if_better=False,
    )
    return convert(model, images, mean=[0.5], std=[0.25], options=options)


def test_grouped_kernels_are_rounded_as_they_are_fitted() -> None:
    torch.manual_seed(1)
    made = converted(WithGroups())
    spikes = np.concatenate([made.thresholds[o.name].numpy() for o in made.snn.graph.neurons]) / 15
    before, within = spikes[:6], spikes[6:12]
    for layer, name, worth in (
        (made.network.layers[1], "depthwise", before[:, None]),
        (made.network.layers[2], "grouped", np.repeat(within.reshape(3, 2), 3, axis=0)),
    ):
        assert made.calibrated is not None and layer.name in made.calibrated.scales
        scale = made.calibrated.scales[layer.name].numpy()[:, None, None, None]
        weight = made.snn.graph.by_name[name].arguments["weight"].numpy()
        (kernel,) = layer.connections
        expected = weight * worth[:, :, None, None] / scale
        np.testing.assert_allclose(kernel.weight, expected, atol=1e-4)
        assert kernel.weight.min() >= -4 and kernel.weight.max() <= 3


def test_kernels_behind_a_concatenation_are_rounded_as_they_are_fitted() -> None:
    torch.manual_seed(1)
    made = converted(WithBranches())
    layers = {layer.name: layer for layer in made.network.layers}
    *sources, joined = [operation.name for operation in made.snn.graph.neurons][1:]
    assert made.calibrated is not None and joined in made.calibrated.scales
    spikes = [made.thresholds[name].numpy() / 15 for name in sources]
    weight = made.snn.graph.by_name["joined"].arguments["weight"].numpy()[:, :, 0, 0]
    scale = made.calibrated.scales[joined].numpy()[:, None]
    expected = weight * np.concatenate(spikes) / scale
    kernels = {
        made.network.layers[part.source].name: part.weight[:, :, 0, 0]
        for part in layers[joined].connections
    }
    found = np.concatenate([kernels[name] for name in sources], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.min() >= -4 and found.max() <= 3
