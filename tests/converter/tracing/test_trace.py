"""Traced graphs compute what the model computes, however its forward is written."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from rheobase.converter.graph.analog import analog_outputs
from rheobase.converter.graph.graph import OperationKind
from rheobase.converter.rewrite.rewrite import prepared, with_readout
from rheobase.converter.tracing.qcfs import Qcfs, register_qcfs
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError

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
    """reshape with a shape, a shared ReLU in place, F.conv2d with own parameters, constants."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 2, 3, 3))
        self.act = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(4, 4, 3, padding="same", dilation=2, groups=2)
        self.even = nn.Conv2d(4, 4, (2, 4), padding="same", padding_mode="reflect")
        self.fc = nn.Linear(4 * 9 * 8, 3)
        self.register_buffer("gain", torch.tensor([1.0, 2.0, 0.5, 1.5]))

    def forward(self, x, mask=None):
        x = 2 * self.act(functional.conv2d(x, self.weight, None, padding=1)) - 0.25
        y = self.conv(x) * self.gain.view(1, -1, 1, 1)
        z = self.act(y)
        x = self.act(self.even(z) + y)  # y was changed in place
        assert mask is None
        return self.fc(torch.flatten(x.reshape(x.shape[0], -1), 1)) / 3


class Several(nn.Module):
    """Slices, chunks, permutes, concatenation, dictionaries and tuples as results."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU6())
        self.one = nn.Conv2d(3, 4, 1)
        self.two = nn.Conv2d(9, 4, 3, padding=1)

    def forward(self, x):
        x = self.stem(x)
        low, high = x.chunk(2, dim=1)
        mixed = x.view(x.shape[0], 2, 3, x.size(2), x.size(3)).transpose(1, 2).flatten(1, 2)
        both = torch.cat([mixed, self.one(high).clamp(min=0)[:, :3]], 1)
        y = functional.hardtanh(self.two(both), 0, 4)
        up = functional.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)
        pooled = functional.adaptive_avg_pool2d(y, (2, 1))
        scores = y.mean([2, 3])
        return {
            "a": (low[..., ::2], -up),
            "b": [scores.softmax(1)],
            "c": pooled.permute(0, 2, 1, 3),
        }


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


SHORTCUTS = {
    "pad": lambda x: functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2), "constant", 0),
    "cat": lambda x: torch.cat(
        (
            functional.avg_pool2d(x, 1, 2),
            x.new_zeros(x.shape[0], 4, x.shape[2] // 2 + 1, x.shape[3] // 2),
        ),
        1,
    ),
    "mul": lambda x: torch.cat((x[:, :, ::2, ::2], x[..., ::2, ::2].mul(0)), 1),
}


class OptionA(nn.Module):
    def __init__(self, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.shortcut = Lambda(shortcut)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = functional.relu(self.conv1(x))
        out = self.conv2(x)
        out += self.shortcut(x)
        out = functional.relu(out)
        out = functional.avg_pool2d(out, out.size()[2:])
        return self.fc(out.view(out.size(0), -1))


def sequential():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 4, padding="same"), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
        nn.MaxPool2d(3, 2, 1),
        nn.Identity(),
        nn.Conv2d(4, 3, 1, padding="valid"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(18, 5, bias=False),
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


def flat(result):
    """Tensors of a result in order."""
    if isinstance(result, torch.Tensor):
        return [result]
    parts = result.values() if isinstance(result, dict) else result
    return [tensor for part in parts for tensor in flat(part)]


@pytest.mark.parametrize(
    "factory",
    [
        Functional,
        Reshaping,
        Several,
        sequential,
        *(lambda name=name: OptionA(SHORTCUTS[name]) for name in SHORTCUTS),
    ],
)
def test_same_outputs_as_the_model(factory):
    torch.manual_seed(1)
    model = randomised(factory()).double()
    graph = trace(model, SHAPE)
    images = torch.randn(7, *SHAPE, dtype=torch.float64)
    with torch.no_grad():
        expected = flat(model(images))
        for version in (graph, prepared(graph)):
            found = list(analog_outputs(version, images).values())
            assert len(found) == len(expected)
            for one, other in zip(found, expected, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)
    shapes = {name: graph.by_name[name].shape for name in graph.by_name}
    assert all(all(extent > 0 for extent in shape) for shape in shapes.values())


def test_names_kinds_and_labels():
    torch.manual_seed(1)
    graph = trace(OptionA(SHORTCUTS["pad"]), SHAPE)
    assert [(o.name, o.kind) for o in graph.operations] == [
        ("input", OperationKind.INPUT),
        ("conv1", OperationKind.CONVOLUTION),
        ("relu", OperationKind.RELU),
        ("conv2", OperationKind.CONVOLUTION),
        ("shortcut.getitem", OperationKind.SLICE),
        ("shortcut.pad", OperationKind.PAD),
        ("add", OperationKind.ADD),
        ("relu#2", OperationKind.RELU),
        ("avg_pool2d", OperationKind.AVERAGE_POOL),
        ("view", OperationKind.RESHAPE),
        ("fc", OperationKind.LINEAR),
    ]
    assert graph.by_name["shortcut.getitem"].arguments["ranges"] == (
        (0, 4, 1),
        (0, 9, 2),
        (0, 8, 2),
    )
    assert graph.by_name["shortcut.pad"].arguments["padding"] == ((2, 2), (0, 0), (0, 0))
    assert list(trace(Several(), SHAPE).outputs) == ["a.0", "a.1", "b.0", "c"]


def test_a_concatenation_of_zeros_is_padding():
    kinds = [o.kind for o in trace(OptionA(SHORTCUTS["cat"]), SHAPE).operations]
    assert OperationKind.PAD in kinds and OperationKind.FLOAT not in kinds


def test_model_is_left_as_it_was():
    model = sequential().train()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    prepared(trace(model, SHAPE))
    assert model.training and model[0].training and not model[1].training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


class SharedHead(nn.Module):
    """One head on two maps: its ReLU is called twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3)
        self.down = nn.Conv2d(4, 4, 3, stride=2)
        self.head = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1))

    def forward(self, x):
        first = self.stem(x)
        return [self.head(first), self.head(self.down(first))]


def test_every_call_has_neurons_of_its_own():
    graph = prepared(trace(SharedHead(), SHAPE))
    assert [operation.name for operation in graph.neurons] == ["head.1", "head.1#2"]
    assert graph.outputs == {"0": "head.2", "1": "head.2#2"}


class Pools(nn.Module):
    """Pooling behind ReLU, behind a concatenation, and of a map that is read otherwise too."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 3, padding=1)
        self.c, self.d = nn.Conv2d(6, 4, 1), nn.Conv2d(6, 2, 1)
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.last = nn.Conv2d(10, 2, 1)

    def forward(self, x):
        joined = torch.cat([self.a(x).relu(), self.b(x).relu()], 1)
        joined = functional.max_pool2d(joined, 2)
        branch = functional.relu(self.c(joined))
        return self.last(torch.cat([branch, self.pool(joined)], 1))


def test_pooling_stands_in_front_of_neurons():
    torch.manual_seed(0)
    model = Pools()
    graph = prepared(trace(model, SHAPE))
    for operation in graph.operations:
        if operation.kind == OperationKind.MAX_POOL:
            (reader,) = graph.consumers[operation.name]
            assert reader.kind == OperationKind.RELU
            assert (
                graph.by_name[operation.inputs[0]].kind != OperationKind.RELU
                or (reader.arguments["copy"])
            )
    assert [o.name for o in graph.neurons if o.arguments["copy"]] == ["pool:copy"]
    assert len([o for o in graph.operations if o.kind == OperationKind.MAX_POOL]) == 3
    images = torch.randn(3, *SHAPE)
    torch.testing.assert_close(analog_outputs(graph, images)["out"], model(images))


def test_readout_neurons_stand_in_front_of_softmax():
    graph = with_readout(prepared(trace(Functional(), SHAPE)))
    assert [o.name for o in graph.neurons if o.arguments["readout"]] == ["fc2:readout"]
    assert graph.by_name["log_softmax"].inputs == ("fc2:readout",)


class OtherQcfs(nn.Module):
    """As a public implementation writes it: ``up`` and ``t``."""

    def __init__(self):
        super().__init__()
        self.up = nn.Parameter(torch.tensor([1.5]))
        self.t = 4

    def forward(self, x):
        x = torch.clamp(x / self.up, 0, 1)
        return torch.floor(x * self.t + 0.5) / self.t * self.up


class Decoy(OtherQcfs):
    def forward(self, x):
        return x * self.up / self.t


class Renamed(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Qcfs(8, 0.7)
        self.limit, self.count = 0.7, 8

    def forward(self, x):
        return self.inner(x)


def test_qcfs_is_recognised_by_what_it_computes():
    register_qcfs(Renamed, threshold="limit", levels="count")
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3),
        Qcfs(4, 2.0),
        nn.Conv2d(3, 3, 1),
        OtherQcfs(),
        Decoy(),
        nn.Conv2d(3, 2, 1),
        Renamed(),
    )
    graph = trace(model, SHAPE)
    found = [(o.name, o.arguments["cap"], o.arguments["levels"]) for o in graph.neurons]
    assert found == [
        ("1", 2.0, 4),
        ("3", 1.5, 4),
        ("6", pytest.approx(0.7), 8),
    ]


def test_qcfs_learns_its_threshold():
    activation = Qcfs(4, 1.0)
    activation(torch.tensor([0.3, 5.0])).sum().backward()
    assert float(activation.threshold.grad) > 0


class Untraceable(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Augmented(nn.Module):
    """+= changes a tensor that has another name; the trace does not know."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        first = self.conv(x)
        second = first
        second += 1
        return self.conv(first) + functional.relu(second)


def test_every_refusal_is_named():
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.SiLU(),
        nn.Sequential(nn.Conv2d(4, 4, 3), nn.GELU()),
        nn.Flatten(),
        nn.Linear(80, 3),
        nn.Tanh(),
    )
    with pytest.raises(RheobaseError) as error:
        prepared(trace(model, SHAPE))
    text = str(error.value)
    assert "1 (SiLU; accepted: " in text and "2.1 (GELU; accepted: " in text
    assert "ReLU" in text and "\n" not in text and "Tanh" not in text


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "does not take images of 2 x 9 x 8"),
        (Untraceable(), "cannot be traced by torch.fx"),
        (Augmented(), "its trace computes another out than the model"),
        (Lambda(lambda x: x.permute(1, 0, 2, 3)), r"permute \(permute that does not keep the im"),
        (Lambda(lambda x: x.mean() * x), "mean that does not keep the images"),
        (Lambda(lambda x: functional.dropout(x, 0.5)), "dropout that drops in evaluation mode"),
        (nn.BatchNorm2d(2, track_running_stats=False), "with the statistics of the batch"),
        (Lambda(lambda x: torch.zeros(3)), "its result does not depend on the image"),
    ],
)
def test_refused(model, message):
    with pytest.raises(RheobaseError, match=message) as error:
        trace(model, SHAPE)
    assert "\n" not in str(error.value)
