"""Models whose weights are multiples of one number: nothing is lost to rounding."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rheobase.converter.lower.lowered import Lowered
from rheobase.golden.run.run import GoldenRun

#: Threshold of every neuron in the exact models, and what their weights are multiples of.
LEVEL, UNIT = 4096.0, 1 / 512
#: Normalisation under which the model sees pixel - 51.
MEAN, STD = [51 / 255] * 3, [1 / 255] * 3


def exact(model: nn.Module, seed: int) -> nn.Module:
    """Random weights q / 512 with integers up to 127, which every output channel has."""
    rng = np.random.default_rng(seed)
    for index, module in enumerate(model.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            shape = module.weight.shape
            weight = rng.integers(-60, 61, (shape[0], shape[1:].numel()))
            weight[np.arange(shape[0]), rng.integers(0, weight.shape[1], shape[0])] = 127
            unit = 1.0 if index == 1 else UNIT
            module.weight.data = torch.from_numpy(weight.reshape(shape) * unit)
            if module.bias is not None:
                bias = rng.integers(-300, 301, shape[0]) * (LEVEL * UNIT)
                module.bias.data = torch.from_numpy(bias)
    return model.double().eval()


class Branches(nn.Module):
    """Option A, identity, concatenation, groups over it, slices, average pooling, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.first = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.second = nn.Conv2d(4, 8, 3, 2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.grouped = nn.Conv2d(12, 6, 1, groups=3)
        self.after_pool = nn.Conv2d(6, 5, 1)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        a = functional.relu(self.stem(x))
        b = functional.relu(self.first(a) + a)
        skipped = functional.pad(b[:, :, ::2, ::2], (0, 0, 0, 0, 1, 3))
        c = functional.relu(self.second(b) + skipped)
        d = functional.relu(self.depthwise(c))
        e = functional.relu(self.grouped(torch.cat((d[:, 2:6], c), 1)))
        f = functional.relu(self.after_pool(functional.avg_pool2d(e, 2)))
        return self.head(f.mean((2, 3))), self.grouped(torch.cat((c, d[:, :4]), 1))


class Pooled(nn.Module):
    """Maxima in front of neurons, also behind a concatenation; a linear layer on a map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.left, self.right = nn.Conv2d(4, 3, 1), nn.Conv2d(4, 2, 3, padding=1)
        self.head = nn.Sequential(nn.Linear(5 * 9, 6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.stem(x)), 2)
        x = torch.cat((functional.relu(self.left(x)), functional.relu(self.right(x))), 1)
        return self.head(functional.max_pool2d(x, 3, 2, padding=1).flatten(1))


class Linear(nn.Module):
    """Bottlenecks: a stream that several layers read, a padded kernel, a pool without ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.expand = nn.Conv2d(4, 6, 3, padding=1)
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.project, self.again = nn.Conv2d(6, 4, 1), nn.Conv2d(4, 4, 1)
        self.pooled, self.head = nn.Conv2d(4, 5, 1), nn.Linear(5 * 9, 3)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.project(functional.relu(self.depthwise(functional.relu(self.expand(x)))))
        x = x + self.again(functional.relu(x))
        return self.head(self.pooled(functional.max_pool2d(x, 2)).flatten(1))


class Leaky(nn.Module):
    """Slopes in front of and behind maxima, of a sum, and next to a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1)
        self.slopes = nn.PReLU(4)
        self.slopes.weight.data = torch.tensor([0.25, 0.5, 1.0, 0.125])
        self.beside, self.head = nn.Conv2d(4, 4, 1), nn.Linear(4 * 9, 3)

    def forward(self, x):
        x = functional.max_pool2d(functional.leaky_relu(self.stem(x), 0.25), 2)
        x = self.slopes(self.next(x) + x) + functional.relu(self.beside(x))
        return self.head(functional.max_pool2d(functional.leaky_relu(x, 0.5), 2).flatten(1))


class CeilPooled(Pooled):
    """The last windows reach beyond the map."""

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2, ceil_mode=True)
        x = torch.cat((functional.relu(self.left(x)), functional.relu(self.right(x))), 1)
        return self.head(functional.max_pool2d(x, 3, 2, ceil_mode=True).flatten(1))


def assert_equal(lowered: Lowered, simulation: GoldenRun, expected: dict[str, Tensor]) -> None:
    """The golden model's scores, in the model's units, are ``expected``."""
    found = lowered.real_outputs(simulation.outputs)
    assert found.keys() == expected.keys()
    for label, values in expected.items():
        assert values.std() > 0, "a constant output would prove nothing"
        np.testing.assert_allclose(found[label], values.numpy(), rtol=1e-9, atol=1e-6)
