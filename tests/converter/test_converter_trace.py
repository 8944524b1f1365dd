"""Traced, folded blocks compute what the model computes, however its forward is written."""

import numpy as np
import pytest
import torch
from rheobase.converter.blocks import analog_forward
from rheobase.converter.conversion import trace_blocks
from rheobase.golden.errors import RheobaseError
from torch import nn
from torch.nn import functional

SHAPE = (2, 9, 8)


class Functional(nn.Module):
    """F.relu, torch.max_pool2d, x.view with sizes, torch.flatten, dropout as functions."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 5, 3, stride=(1, 2), padding=(2, 1))
        self.bn1 = nn.BatchNorm2d(5)
        self.conv2 = nn.Conv2d(5, 4, (2, 1), bias=False)
        self.fc1 = nn.Linear(4 * 4 * 2, 6)
        self.fc2 = nn.Linear(6, 3)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 2, 2)
        x = torch.relu(self.conv2(functional.dropout(x, 0.5, self.training)))
        x = x.view(x.size(0), -1)
        x = self.fc1(x).relu()
        return functional.log_softmax(self.fc2(x), dim=1)


class Reshaping(nn.Module):
    """reshape with a shape, module called under a shared ReLU, F.conv2d with own parameters."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 2, 3, 3))
        self.act = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(4, 4, 3, padding="same")
        self.fc = nn.Linear(4 * 9 * 8, 3)

    def forward(self, x):
        x = self.act(functional.conv2d(x, self.weight, None, padding=1))
        x = self.act(self.conv(x))
        return self.fc(torch.flatten(x.reshape(x.shape[0], -1), 1))


def sequential():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 4, padding="same"), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
        nn.MaxPool2d(3, 2, 1),
        nn.Identity(),
        nn.Conv2d(4, 3, 1, padding="valid"),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(12, 5, bias=False),
        nn.BatchNorm1d(5),
        nn.ReLU(),
        nn.Linear(5, 3),
    )


def randomised(model, seed=0):
    """Running statistics and affine parameters away from their defaults."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator))
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.2)
            with torch.no_grad():
                module.weight.copy_(torch.randn(module.num_features, generator=generator))
                module.bias.copy_(torch.randn(module.num_features, generator=generator))
    return model.eval()


@pytest.mark.parametrize("factory", [Functional, Reshaping, sequential])
def test_same_outputs_as_the_model(factory):
    torch.manual_seed(1)
    model = randomised(factory())
    blocks, left_out = trace_blocks(model, SHAPE)
    images = torch.randn(7, *SHAPE, dtype=torch.float64)
    found = analog_forward(blocks, images)
    with torch.no_grad():
        expected = model.double()(images)
    if factory is Functional:
        assert left_out == ("log_softmax",)
        found = torch.log_softmax(found, dim=1)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_model_is_left_as_it_was():
    model = sequential().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace_blocks(model, SHAPE)
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.fc = nn.Linear(144, 3)

    def forward(self, x):
        return self.fc((functional.relu(self.conv(x)) + x).flatten(1))


class Untraceable(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_every_refusal_is_named():
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.SiLU(),
        nn.Sequential(nn.Conv2d(4, 4, 3), nn.GELU()),
        nn.Flatten(),
        nn.Linear(80, 3),
    )
    with pytest.raises(RheobaseError) as error:
        trace_blocks(model, SHAPE)
    text = str(error.value)
    assert "1 (SiLU; accepted: " in text and "2.1 (GELU; accepted: " in text
    assert "ReLU" in text and "\n" not in text


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.ReLU()), r"0 \(Conv2d with groups=2; acc"),
        (nn.Sequential(nn.Conv2d(2, 4, 3, dilation=2), nn.ReLU()), r"Conv2d with dilation=\(2, 2"),
        (
            nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), nn.ReLU()),
            "padding_mode='reflect'",
        ),
        (nn.Sequential(nn.Conv2d(2, 4, 3), nn.AvgPool2d(2)), r"1 \(AvgPool2d; accepted"),
        (nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 1)), "after 0 without ReLU"),
        (nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), "batch norm directly"),
        (nn.Sequential(nn.Flatten(), nn.Linear(144, 3), nn.ReLU()), "ReLU at the end"),
        (nn.Sequential(nn.Conv2d(2, 4, 3)), "one score per class"),
        (nn.Sequential(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2, ceil_mode=True)), "ceil_mode"),
        (nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)), "before any convolution"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "does not take images of 2 x 9 x 8"),
        (Residual(), r"add \(add; accepted"),
        (Untraceable(), "cannot be traced by torch.fx"),
    ],
)
def test_refused(model, message):
    with pytest.raises(RheobaseError, match=message) as error:
        trace_blocks(model, SHAPE)
    assert "\n" not in str(error.value)


def test_pool_before_or_after_relu_is_the_same_block():
    one, other = (
        trace_blocks(nn.Sequential(conv, *middle, nn.Flatten(), nn.Linear(4 * 3 * 3, 2)), SHAPE)[0][
            0
        ]
        for conv in [nn.Conv2d(2, 4, 3)]
        for middle in ((nn.ReLU(), nn.MaxPool2d(2)), (nn.MaxPool2d(2), nn.ReLU()))
    )
    assert one.pool == other.pool and np.array_equal(one.weight, other.weight)
