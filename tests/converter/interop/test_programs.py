"""Models of ONNX files and of torch.export: the same network as of the module, byte for byte."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.options import Options
from rheobase.golden import Coding, network_hash

OPTIONS = Options(coding=Coding.RADIX, steps=4, method="ltb")


class Small(nn.Module):
    """Branches, a shared ReLU, functions, changes in place, pooling, sizes asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.BatchNorm2d(8)
        self.relu, self.pool = nn.ReLU(inplace=True), nn.MaxPool2d(2)
        self.capped, self.last = nn.ReLU6(), nn.Linear(24, 5)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = self.stem(x)
        y = self.relu(self.norm(self.conv(x)))
        y += x
        y = self.pool(self.relu(y))
        z = self.capped(torch.cat([y[:, 2:6], y, y[:, :4]], 1))
        x = torch.cat([z.mean((2, 3)), y.amax((2, 3)).view(y.size(0), -1)], 1)
        return self.last(self.drop(x))


class Branches(nn.Module):
    """A pooling that is called as a function and has a layer of its own, as in Inception's."""

    def __init__(self):
        super().__init__()
        self.conv, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 2, 2)
        self.last = nn.Linear(10, 5)

    def forward(self, x):
        x = self.conv(x).relu()
        both = [nn.functional.max_pool2d(x, 2), self.other(x).relu()]
        return self.last(torch.cat(both, 1).mean((2, 3)))


OWN = {"small": Small, "branches": Branches}


def exported(model, example, path):
    torch.export.save(torch.export.export(model, (example,)), path)


def decomposed(model, example, path):
    torch.export.save(torch.export.export(model, (example,)).run_decompositions(), path)


def open_batch(model, example, path):
    shapes = {0: torch.export.Dim("batch", min=2)}
    program = torch.export.export(model, (example.repeat(2, 1, 1, 1),), dynamic_shapes=(shapes,))
    torch.export.save(program, path)


def onnx_by_trace(model, example, path):
    mode = torch.onnx.TrainingMode.PRESERVE  # normalisation stays what it is
    torch.onnx.export(model, (example,), path, dynamo=False, training=mode)


def onnx_by_export(model, example, path):
    torch.onnx.export(model, (example,), path, dynamo=True, optimize=False, verbose=False)


WRITERS = {
    "pt2": exported,
    "pt2 decomposed": decomposed,
    "pt2 open batch": open_batch,
    "onnx by trace": onnx_by_trace,
}


@cache
def model_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    options = {"weights": None, "num_classes": 10}
    if name == "googlenet":
        options |= {"aux_logits": False, "init_weights": False}
    if name in OWN:
        model = OWN[name]()
    else:
        model = getattr(import_torchvision("torchvision.models"), name)(**options)
    with torch.no_grad():
        # Statistics of normalisation that fit the random weights.
        model.train()(torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    return model.eval()


@cache
def expected(name: str, side: int) -> str:
    made = convert(model_of(name), pixels(side), mean=0.5, std=0.25, options=OPTIONS)
    return network_hash(made)


def pixels(side: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (4, 3, side, side)).astype(np.uint8)


def found(name: str, side: int, writer, folder: Path) -> str:
    """Hash of the network: every byte of it but what a conversion says of itself."""
    path = folder / ("net.onnx" if "onnx" in writer.__name__ else "net.pt2")
    writer(model_of(name), torch.randn(1, 3, side, side), path)
    made = convert(load_model(str(path)), pixels(side), mean=0.5, std=0.25, options=OPTIONS)
    return network_hash(made)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_small_model(tmp_path, writer):
    assert found("small", 8, WRITERS[writer], tmp_path) == expected("small", 8)


@pytest.mark.parametrize("writer", ["pt2", "onnx by trace"])
def test_a_pooling_that_is_a_function(tmp_path, writer):
    assert found("branches", 8, WRITERS[writer], tmp_path) == expected("branches", 8)


@pytest.mark.slow
def test_the_exporter_by_torch_export(tmp_path):
    assert found("small", 8, onnx_by_export, tmp_path) == expected("small", 8)


def test_a_file_with_normalisation_folded_is_close(tmp_path):
    """What ONNX's exporters do unless they are told not to, in float32."""
    torch.onnx.export(
        model_of("small"), (torch.randn(1, 3, 8, 8),), tmp_path / "net.onnx", dynamo=False
    )
    file, images = load_model(str(tmp_path / "net.onnx")), pixels(8)
    one, other = (
        convert(model, images, mean=0.5, std=0.25, options=OPTIONS).network
        for model in (model_of("small"), file)
    )
    for ours, theirs in zip(one.layers, other.layers, strict=True):
        if ours.threshold is not None:
            assert np.abs(ours.threshold - theirs.threshold).max() <= 1
        for a, b in zip(ours.connections, theirs.connections, strict=True):
            assert np.abs(a.weight.astype(int) - b.weight).max() <= 1


#: Name and side of the image. Where a pooling's cells do not divide the map, ONNX has no node.
CLASSIFIERS = {
    "squeezenet1_1": 40,
    "resnet18": 32,
    "resnext50_32x4d": 32,
    "mobilenet_v2": 32,
    "mnasnet0_5": 32,
    "regnet_x_400mf": 32,
    "densenet121": 32,
    "googlenet": 48,
    "alexnet": 224,
}


@pytest.mark.parametrize("writer", ["pt2", "onnx by trace"])
@pytest.mark.parametrize(
    "name",
    [
        name if place == 0 else pytest.param(name, marks=pytest.mark.slow)
        for place, name in enumerate(CLASSIFIERS)
    ],
)
def test_classifiers(tmp_path, name, writer):
    side = CLASSIFIERS[name]
    assert found(name, side, WRITERS[writer], tmp_path) == expected(name, side)
