"""Forms of operations that are exact in another spelling: planned networks against torch.

Planned layers are compared with the model in float64; some of them also as integers.
"""

import pytest
import torch
import torch.nn.functional as functional
from torch import nn

import rheobase
from rheobase.converter.lower.plan import plan_layers
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from tests.support.models.lowered import assert_integers
from tests.support.networks.planned import Lambda, assert_planned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def slopes(*values):
    layer = nn.PReLU(len(values))
    layer.weight.data = torch.tensor(values)
    return layer


#: Activation, and how many layers of neurons it becomes.
ACTIVATIONS = {
    "where(x > 0, x, 0)": (Lambda(lambda x: torch.where(x > 0, x, 0.0)), 1),
    "where(x <= 0, 0, x)": (Lambda(lambda x: torch.where(x <= 0, torch.zeros_like(x), x)), 1),
    "where(x < 0, x, 0)": (Lambda(lambda x: torch.where(x < 0, x, 0.0)), 1),
    "x.where(x > 0, 0)": (Lambda(lambda x: x.where(x > 0, torch.zeros_like(x))), 1),
    "x * (x > 0)": (Lambda(lambda x: x * (x > 0)), 1),
    "(x >= 0).float() * x": (Lambda(lambda x: (x >= 0).float() * x), 1),
    "x * (x < 0)": (Lambda(lambda x: x * (x < 0).to(x.dtype)), 1),
    "maximum(zeros_like(x), x)": (Lambda(lambda x: torch.maximum(torch.zeros_like(x), x)), 1),
    "minimum(relu(x), 0.5)": (
        Lambda(lambda x: torch.minimum(torch.relu(x), torch.tensor(0.5))),
        1,
    ),
    "relu(x).clamp(max=0.5)": (Lambda(lambda x: torch.relu(x).clamp(max=0.5)), 1),
    "relu6(x).clamp_max(0.5)": (Lambda(lambda x: functional.relu6(x).clamp_max(0.5)), 1),
    "clamp(max=0.2)": (Lambda(lambda x: x.clamp(max=0.2)), 1),
    "clamp(-0.3, 0.4)": (Lambda(lambda x: x.clamp(-0.3, 0.4)), 1),
    "clamp(0.1)": (Lambda(lambda x: x.clamp(0.1)), 1),
    "Hardtanh": (nn.Hardtanh(-0.5, 0.25), 1),
    "LeakyReLU(0)": (nn.LeakyReLU(0.0), 1),
    "LeakyReLU": (nn.LeakyReLU(0.2), 1),
    "leaky_relu": (Lambda(lambda x: functional.leaky_relu(x, 0.3)), 1),
    "LeakyReLU(1.5)": (nn.LeakyReLU(1.5), 2),
    "LeakyReLU(-0.2)": (nn.LeakyReLU(-0.2), 2),
    "PReLU of zeros": (slopes(0.0, 0.0, 0.0, 0.0), 1),
    "PReLU": (slopes(0.25), 1),
    "PReLU of channels": (slopes(0.5, 0.1, 1.0, 0.25), 1),
    "PReLU per channel": (slopes(0.5, -0.5, 0.0, 2.0), 2),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_relus(name):
    activation, layers = ACTIVATIONS[name]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), activation, nn.Conv2d(4, 3, 3), nn.Flatten())
    assert_planned(model, (2, 7, 6), layers + 1)


def test_sync_batch_norm_is_batch_norm():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.SyncBatchNorm(4), nn.ReLU(), nn.Conv2d(4, 2, 1))
    model[1].running_mean.normal_()
    assert_planned(model, (2, 5, 5), 2)


def norm(channels, seed=0, *, positive=False):
    """Batch normalisation with gains of both signs, or of one."""
    generator = torch.Generator().manual_seed(seed)
    layer = nn.BatchNorm2d(channels)
    signs = torch.where(torch.arange(channels) % 2 == 0, 1.0, 1.0 if positive else -1.0)
    layer.weight.data = signs * (torch.rand(channels, generator=generator) + 0.5)
    layer.bias.data = torch.randn(channels, generator=generator) * 0.5
    layer.running_mean.normal_(generator=generator)
    return layer


def conv(inner, outs, **options):
    return nn.Conv2d(inner, outs, 3, **{"padding": 1, **options})


#: Constants in front of a border; layers of the plan.
BORDERS = {
    "conv, relu, norm, padded conv": ((conv(2, 4), nn.ReLU(), norm(4), conv(4, 3)), 3),
    "norm of the image": ((norm(2), conv(2, 4), nn.ReLU(), conv(4, 3)), 3),
    "norm behind a pool": (
        (conv(2, 4), nn.ReLU(), nn.MaxPool2d(2), norm(4), conv(4, 3, stride=2)),
        3,
    ),
    "grouped": ((conv(2, 4), nn.ReLU(), norm(4), conv(4, 6, groups=2, dilation=2)), 3),
    "pointwise with bias": ((conv(2, 4), nn.ReLU(), nn.Conv2d(4, 4, 1), conv(4, 3)), 3),
    "average pool that counts padding": (
        (conv(2, 4), nn.ReLU(), norm(4), nn.AvgPool2d(3, 2, 1), nn.Conv2d(4, 3, 1)),
        3,
    ),
    "padding with a constant": (
        (conv(2, 4), nn.ReLU(), nn.ConstantPad2d((1, 2, 0, 1), 0.5), conv(4, 3, padding=0)),
        3,
    ),
    "twice": (
        (conv(2, 4), nn.ReLU(), norm(4), conv(4, 4), nn.ReLU(), norm(4), conv(4, 3)),
        4,
    ),
    "norm before pooling": (
        (conv(2, 4), nn.ReLU(), norm(4, positive=True), nn.MaxPool2d(2), conv(4, 3)),
        3,
    ),
    "norm after pooling": (
        (conv(2, 4), nn.MaxPool2d(3, 2, 1), norm(4, positive=True), nn.ReLU(), conv(4, 3)),
        2,
    ),
}


@pytest.mark.parametrize("name", BORDERS)
def test_constants_in_front_of_borders(name):
    torch.manual_seed(1)
    layers, count = BORDERS[name]
    assert_planned(nn.Sequential(*layers), (2, 8, 7), count)


@pytest.mark.parametrize(
    "name", ["conv, relu, norm, padded conv", "norm behind a pool", "padding with a constant"]
)
def test_borders_are_right_in_integers(name):
    torch.manual_seed(1)
    made = assert_integers(nn.Sequential(*BORDERS[name][0]), (2, 8, 7))
    ones = [layer for layer in made.network.layers if layer.name.startswith("ones")]
    assert len(ones) == 1 and not any(layer.constant.any() for layer in made.lowered.layers)


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = conv(3, 5)
        self.register_buffer("mean", torch.tensor([0.2, 0.4, 1.0]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.25, 0.5, -0.5]).view(1, 3, 1, 1))

    def forward(self, x):
        return self.conv((x - self.mean) / self.std).relu()


def test_normalisation_inside_is_the_zero_point():
    """0.2 and 0.4 are pixels 51 and 102, so borders lose nothing; no layer is added."""
    torch.manual_seed(0)
    model = Normalised()
    made = assert_integers(model, (3, 6, 6), mean=(0.0,), std=(1.0,), limit=0.06)
    assert made.network.zero_point.tolist() == [51, 102, 255]
    assert [layer.name for layer in made.network.layers] == ["relu", "relu.readout"]
    # Where zero is no pixel's value, the border gets a map of ones.
    far = nn.Sequential(Lambda(lambda x: x + 3.0), conv(3, 5), nn.ReLU())
    made = assert_integers(far, (3, 6, 6), mean=(0.0,), std=(1.0,), limit=0.06)
    assert made.network.layers[0].name == "ones 6x6"


def test_layers_whose_channels_are_dropped_are_not_built():
    model = nn.Sequential(
        conv(2, 4),
        Lambda(lambda x: torch.cat([torch.relu(x), torch.relu(-x)], 1)[:, :4]),
        conv(4, 3),
    )
    assert_integers(model, (2, 5, 5))
    assert_planned(model, (2, 5, 5), 2)


def test_negative_gains_around_pooling_are_refused():
    model = nn.Sequential(conv(2, 4), nn.MaxPool2d(2), norm(4), nn.ReLU(), conv(4, 3)).eval()
    with pytest.raises(rheobase.RheobaseError, match=r"2 \(BatchNorm2d: after a max pool .*no neg"):
        plan_layers(prepared(trace(model, (2, 8, 8))), counted=False)
