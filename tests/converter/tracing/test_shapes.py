"""Shapes are numbers in a trace; what depends on images, batch or chance is refused."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.graph.analog import analog_outputs
from rheobase.converter.graph.graph import OperationKind
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError

SHAPE = (3, 6, 5)


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def asserted(x):
    assert x.shape[1] == 3 and x.ndim == 4 and x.dim() == 4 and x.size() == x.shape
    assert len(x) == x.size(0) and x.dtype == torch.float32 and x.device.type == "cpu"
    torch._assert(x.shape[-1] == 5, "five columns")
    return x * 2


def by_channel(x):
    return torch.cat([x[:, c : c + 1] / (c + 1.0) for c in range(x.size(1))], 1)


def unpacked(x):
    n, c, h, w = x.shape
    return x.view(n, c, h * w).mean(2).reshape(len(x), -1)


def by_product(x):
    return x.reshape(-1, np.prod(x.shape[1:])) + x.shape[1:].numel() + x.numel() // x.size(0)


def by_size(x):
    if x.size(-1) > 64:
        x = x[..., ::2, ::2]
    if x.ndim == 3:
        x = x.unsqueeze(0)
    return x + x.new_zeros(x.shape[0], 1, 1, 1)


def largest(x):
    values, _ = x.max(2)
    return values + x.max(2).values


@pytest.mark.parametrize("function", [asserted, by_channel, unpacked, by_product, by_size, largest])
def test_shapes_are_numbers_and_any_batch_is_taken(function):
    graph = trace(Lambda(function), SHAPE)
    for count in (1, 2, 5):
        images = torch.randn(count, *SHAPE)
        torch.testing.assert_close(analog_outputs(graph, images)["out"], function(images))
    # Nothing of a shape is left in the graph.
    kinds = {o.kind for o in graph.operations} - {OperationKind.FLOAT}
    assert kinds <= {
        OperationKind.INPUT,
        OperationKind.AFFINE,
        OperationKind.SLICE,
        OperationKind.CONCATENATE,
        OperationKind.RESHAPE,
        OperationKind.ADD,
        OperationKind.ADAPTIVE_AVERAGE_POOL,
        OperationKind.MAX_POOL,
    }


class Heads(nn.Module):
    def __init__(self, *names):
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(3, 2) for name in names})

    def forward(self, x):
        return {name: head(x.mean((2, 3))) for name, head in self.heads.items()}


@pytest.mark.parametrize("names", [("class", "in"), ("5' end", '3" end')])
def test_modules_may_have_any_name(names):
    model = Heads(*names)
    graph = trace(model, SHAPE)
    images = torch.randn(2, *SHAPE)
    found, expected = analog_outputs(graph, images), model(images)
    assert list(found) == list(names)
    for name in names:
        torch.testing.assert_close(found[name], expected[name])


def decides(x):
    if x.mean() > 0:
        return x
    return -x


def is_single(x):
    return -x if len(x) == 1 else x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (decides, r"1: a decision on a tensor that depends on the image \(\w+\.py, line \d+\)$"),
        (lambda x: x * x.mean().item(), r"item\(\) of a tensor that depends on the image"),
        (lambda x: torch.from_numpy(x.numpy() * 2), r"numpy\(\) of a tensor that depends"),
        (lambda x: x * float(x[0, 0, 0, 0]), r"float\(\) on a tensor that depends"),
        (lambda x: x + torch.rand_like(x), "depends on the number of images or on chance"),
        (lambda x: x * (x.size(0) * 2), "depends on the number of images"),
        (lambda x: sum(x[:, 0] for _ in range(len(x))), "depends on the number of images"),
        (is_single, "its trace computes another out than the model"),
    ],
)
def test_what_is_not_known_is_refused(function, message):
    with pytest.raises(RheobaseError, match=message) as caught:
        trace(nn.Sequential(nn.Identity(), Lambda(function)), SHAPE)
    assert "\n" not in str(caught.value)


def test_a_model_that_fails_on_the_images_says_where():
    def wants_four(x):
        assert x.shape[1] == 4, "four channels"
        return x

    with pytest.raises(
        RheobaseError,
        match=r"does not take images of 3 x 6 x 5 .*four channels \("
        r"test_shapes\.py, line \d+\)",
    ):
        trace(Lambda(wants_four), SHAPE)


def _of_package(module: str, name: str) -> nn.Module:
    """A module whose class says that it comes from ``module``, which need not be installed."""
    return type(name, (nn.Identity,), {"__module__": module})()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (_of_package("brevitas.nn.quant_conv", "QuantConv2d"), "QuantConv2d: .*of Brevitas"),
        (_of_package("snntorch._neurons.leaky", "Leaky"), "Leaky: a spiking neuron of snnTorch"),
        (_of_package("spikingjelly.activation_based.neuron", "IFNode"), "IFNode: .*SpikingJelly"),
        (
            torch.ao.nn.qat.Conv2d(3, 3, 1, qconfig=torch.ao.quantization.default_qconfig),
            "1 .Conv2d: a quantised layer of torch.ao",
        ),
        (nn.GRU(5, 5), "1 .GRU: a recurrent layer"),
        (nn.LSTM(5, 5), "1 .LSTM: a recurrent layer"),
        (
            torch.export.export(nn.Sequential(nn.ReLU()), (torch.ones(2, *SHAPE),)).module(),
            "an exported program",
        ),
    ],
)
def test_modules_of_other_libraries_are_named(layer, message):
    with pytest.raises(RheobaseError, match=message) as caught:
        trace(nn.Sequential(nn.Identity(), layer), SHAPE)
    assert "\n" not in str(caught.value) and str(caught.value).count("accepted") == 1


def test_a_file_that_imports_torchvision_is_loaded(tmp_path):
    """In a process of its own, as nothing here may have mended torchvision before."""
    path = tmp_path / "net.py"
    path.write_text(
        "from torchvision.ops import StochasticDepth\n"
        "def net():\n    return StochasticDepth(0.1, 'row')\n"
    )
    code = (
        "import sys; from rheobase.converter.data.model import load_model; load_model(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{path}:net"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
