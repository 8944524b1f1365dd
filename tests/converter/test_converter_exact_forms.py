"""Forms of operations that are exact in another spelling: planned networks against torch.

Planned layers are compared with the model in float64; some of them also as integers.
"""

import pytest
import torch
import torch.nn.functional as functional
from rheobase.converter.plan import plan_layers
from rheobase.converter.rewrite import prepared
from rheobase.converter.tracing import trace
from support.planned import planned_outputs
from torch import nn

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def assert_planned(model, shape, layers=None):
    """The plan of ``model`` computes what it does, to float64's precision; its layers' names."""
    model = model.double().eval()
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    plan = plan_layers(prepared(trace(model, shape)), counted=False)
    found = planned_outputs(plan, images)
    with torch.no_grad():
        expected = model(images)
    torch.testing.assert_close(found["out"], expected, rtol=1e-9, atol=1e-9)
    if layers is not None:
        assert len(plan.layers) == layers, [layer.name for layer in plan.layers]
    return plan


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
        Lambda(lambda x: torch.minimum(torch.relu(x), torch.tensor(0.5))), 1,
    ),
    "relu(x).clamp(max=0.5)": (Lambda(lambda x: torch.relu(x).clamp(max=0.5)), 1),
    "relu6(x).clamp_max(0.5)": (Lambda(lambda x: functional.relu6(x).clamp_max(0.5)), 1),
    "clamp(max=0.2)": (Lambda(lambda x: x.clamp(max=0.2)), 1),
    "clamp(-0.3, 0.4)": (Lambda(lambda x: x.clamp(-0.3, 0.4)), 1),
    "clamp(0.1)": (Lambda(lambda x: x.clamp(0.1)), 1),
    "Hardtanh": (nn.Hardtanh(-0.5, 0.25), 1),
    "LeakyReLU(0)": (nn.LeakyReLU(0.0), 1),
    "LeakyReLU": (nn.LeakyReLU(0.2), 2),
    "leaky_relu": (Lambda(lambda x: functional.leaky_relu(x, 0.3)), 2),
    "PReLU of zeros": (slopes(0.0, 0.0, 0.0, 0.0), 1),
    "PReLU": (slopes(0.25), 2),
    "PReLU per channel": (slopes(0.5, -0.5, 0.0, 2.0), 2),
}  # fmt: skip


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
