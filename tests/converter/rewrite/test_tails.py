"""Ends of models: lowered where linear, outside where the order is kept, else refused by name."""

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.graph.analog import analog_outputs
from rheobase.converter.graph.graph import OperationKind
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.lower.outside import weights_of
from rheobase.converter.measure.answers import answers_of
from rheobase.converter.options import Options
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from rheobase.golden import RheobaseError, run_golden
from rheobase.golden.network.network import Coding, Readout
from rheobase.golden.run.answers import class_answers

SHAPE = (1, 6, 6)


class Ended(nn.Module):
    """A convolution, neurons, and ``end`` on 6 x 4 x 4, with 96 weights for each of 4 classes."""

    def __init__(self, end) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU())
        self.weight = nn.Parameter(torch.randn(4, 96) * 0.3)
        self.bias = nn.Parameter(torch.randn(4))
        self.end = end
        self.last = end if isinstance(end, nn.Module) else None

    def forward(self, x):
        x = self.features(x)
        return self.last(x) if self.last is not None else self.end(self, x.flatten(1))


def lowered(model: nn.Module, readout: Readout = Readout.CURRENT):
    """The integer network and the graph that it was made of."""
    graph = prepared(trace(model, SHAPE))
    thresholds = {operation.name: 8.0 for operation in graph.neurons}
    options = {"mean": [0.5], "std": [0.25], "coding": Coding.RADIX, "steps": 8}
    return lower_graph(graph, thresholds, readout=readout, **options), graph


def pictures(count: int = 6) -> tuple[np.ndarray, torch.Tensor]:
    images = np.random.default_rng(0).integers(0, 256, (count, *SHAPE)).astype(np.uint8)
    return images, (torch.from_numpy(images).float() / 255 - 0.5) / 0.25


LINEAR = {
    "addmm": lambda m, x: torch.addmm(m.bias, x, m.weight.t()),
    "einsum": lambda m, x: torch.einsum("bi,oi->bo", x, m.weight) + m.bias,
    "matmul": lambda m, x: torch.matmul(m.weight, x.unsqueeze(2)).squeeze(2),
    "products": lambda m, x: (x.unsqueeze(1) * m.weight).sum(2),
    "one number": lambda m, x: functional.linear(x, m.weight[:1], m.bias[:1]).squeeze(1),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_ends_are_lowered(name):
    model = Ended(LINEAR[name]).eval()
    made, graph = lowered(model)
    images, inputs = pictures()
    expected = model(inputs).detach().numpy()
    found = made.real_outputs(run_golden(made.network, images).outputs)["out"]
    assert not made.left_out and found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
    assert {"weight"} <= {p for o in graph.operations for p in o.parameters}


@pytest.mark.parametrize(
    "settings", [{}, {"padding": 2, "groups": 3}, {"dilation": 2, "bias": False}]
)
def test_transposed_convolution_of_stride_one(settings):
    model = nn.Sequential(nn.ConvTranspose2d(6, 9, 3, **settings), nn.ReLU(), nn.Conv2d(9, 2, 1))
    graph = prepared(trace(model.eval(), (6, 7, 7)))
    assert graph.operations[1].kind == OperationKind.CONVOLUTION
    inputs = torch.randn(2, 6, 7, 7)
    torch.testing.assert_close(analog_outputs(graph, inputs)["out"], model(inputs).detach())


def test_a_scripted_layer_of_torch():
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4)).eval()
    images, inputs = pictures()
    expected = model(inputs).detach().numpy()
    model[3] = torch.jit.script(model[3])
    made, graph = lowered(model)
    found = made.real_outputs(run_golden(made.network, images).outputs)["out"]
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
    assert weights_of(graph).unused == () and weights_of(graph).held == 6 * 10 + 97 * 4


REFUSED = {
    "Bilinear": lambda m, x: functional.bilinear(x, x, torch.ones(4, 96, 96)),
    "cdist": lambda m, x: torch.cdist(x, m.weight),
    "cosine_similarity": lambda m, x: functional.cosine_similarity(x.unsqueeze(1), m.weight, 2),
    "softmin": lambda m, x: functional.softmin(functional.linear(x, m.weight), 1),
    "argmin": lambda m, x: functional.linear(x, m.weight).argmin(1),
    "topk": lambda m, x: functional.linear(x, m.weight).topk(2, largest=False)[1],
    "softmax": lambda m, x: 1 - functional.linear(x, m.weight).softmax(1),
    "TorchScript": torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(96, 4))),
    "ConvTranspose2d": nn.ConvTranspose2d(6, 2, 3, stride=2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_ends_are_refused_by_name(name):
    with pytest.raises(RheobaseError, match=f"(?i){name}"):
        lowered(Ended(REFUSED[name]).eval())


@pytest.mark.parametrize(
    "end",
    [
        lambda x: x.softmax(1),
        lambda x: 3 * torch.log_softmax(x, -1),
        lambda x: torch.sigmoid(x).argmax(1),
        lambda x: x.argmax(1, keepdim=True),
        lambda x: x.topk(2)[1],
        lambda x: x.max(1).indices,
        lambda x: functional.normalize(x, dim=1),
    ],
)
def test_what_keeps_the_order_stays_outside(end):
    model = Ended(lambda m, x: end(functional.linear(x, m.weight, m.bias))).eval()
    made, graph = lowered(model)
    images, inputs = pictures(40)
    result = model(inputs).detach()
    expected = result.argmax(1) if result.is_floating_point() else result.reshape(40, -1)[:, 0]
    answers = answers_of(graph)
    assert (answers.of_graph(graph, inputs) == expected.numpy()).all()
    outputs = run_golden(made.network, images).outputs
    assert (answers.of_network(made, outputs) == expected.numpy()).mean() > 0.9


def test_wrappers_carry_the_model():
    model = Ended(LINEAR["addmm"]).eval()
    model.features = nn.DataParallel(model.features)
    _, inputs = pictures()
    expected = model(inputs).detach()
    for wrapped in (model, nn.DataParallel(model), torch.compile(model)):
        graph = trace(wrapped, SHAPE)
        torch.testing.assert_close(analog_outputs(graph, inputs)["out"], expected)
        assert weights_of(graph).unused == ()


class WithAuxiliary(nn.Module):
    """A head that is for training alone, a norm that is folded, a factor of one."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
        self.auxiliary = nn.Linear(96, 4)
        self.factor = nn.Parameter(torch.ones(1))
        self.head = nn.Linear(96, 4)

    def forward(self, x):
        x = self.features(x).flatten(1)
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x) * self.factor


def test_every_weight_is_accounted_for():
    graph = prepared(trace(WithAuxiliary().eval(), SHAPE))
    found = weights_of(graph)
    assert found.unused == ("auxiliary.weight", "auxiliary.bias")
    assert found.held == 6 * 10 + 12 + 1 + 97 * 4 and found.model == found.held + 97 * 4


def head_of(*outputs):
    """The scores of 4 classes, through each of ``outputs``."""
    model = Ended(lambda m, x: tuple(f(functional.linear(x, m.weight, m.bias)) for f in outputs))
    return prepared(trace(model.eval(), SHAPE)), model


def test_the_output_that_answers():
    graph, model = head_of(
        lambda s: -s, lambda s: s[:, :, None, None], lambda s: s[:, :1].sigmoid()
    )
    _, inputs = pictures(30)
    scores = model(inputs)[1].detach().numpy()[:, :, 0, 0]
    first, second, third = (answers_of(graph, label) for label in "012")
    assert answers_of(graph) == first and "'0', not of '1', '2'" in first.reading
    assert (first.of_graph(graph, inputs) == scores.argmin(1)).all()
    assert (second.of_graph(graph, inputs) == scores.argmax(1)).all()
    assert (third.of_graph(graph, inputs) == (scores[:, 0] > 0)).all() and 0 < third.of_graph(
        graph, inputs
    ).mean() < 1
    assert "the sign of the one score" in third.reading
    with pytest.raises(RheobaseError, match="no output 'x', must be one of 0, 1, 2"):
        answers_of(graph, "x")
    with pytest.raises(RheobaseError, match="must be current"):
        third.check_readout(Readout.COUNT)
    graph, _ = head_of(lambda s: s.reshape(-1, 1, 2, 2))
    assert "a map of 1 x 2 x 2" in answers_of(graph).unreadable


def test_classes_of_scores():
    assert class_answers(np.array([[1, 3, 3], [2, 0, 1]])).tolist() == [1, 0]
    assert class_answers(np.array([[[[-1]], [[4]]]])).tolist() == [1]
    assert class_answers(np.array([[-1], [0], [2]])).tolist() == [0, 0, 1]
    with pytest.raises(RheobaseError, match="scores of 2 x 3 x 3"):
        class_answers(np.zeros((1, 2, 3, 3)))


class Nonlinear(nn.Module):
    def __init__(self, between) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 6, 3), nn.Conv2d(6, 6, 1)
        self.between = between

    def forward(self, x):
        return self.second(self.between(self, self.first(x).relu())).mean((2, 3))


def _float(model):
    images, _ = pictures(2)
    options = Options(steps=4, lower=False, method="cltb")
    return convert(model.eval(), images, mean=[0.5], std=[0.25], options=options)


@pytest.mark.parametrize(
    "between",
    [
        lambda m, x: x * torch.sigmoid(x),
        lambda m, x: x * x,
        lambda m, x: torch.sigmoid(x),
        lambda m, x: torch.abs(m.second(x)),
        lambda m, x: functional.conv_transpose2d(x.sin(), torch.ones(6, 6, 2, 2), stride=2),
    ],
)
def test_nonlinear_operations_between_weights_are_refused_for_the_float_snn(between):
    with pytest.raises(RheobaseError, match="accepted: ReLU, ReLU6"):
        _float(Nonlinear(between))


def test_gates_and_norms_stay_in_the_float_snn():
    gate = _float(Nonlinear(lambda m, x: x * torch.sigmoid(m.second(x.mean((2, 3), keepdim=True)))))
    assert gate.snn.graph.neurons
    norm = _float(Nonlinear(lambda m, x: functional.group_norm(x, 2)))
    assert norm.snn.graph.neurons


def test_float_is_refused_and_not_recommended_where_nothing_spikes():
    with pytest.raises(RheobaseError, match="nothing in it spikes"):
        _float(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 2)))
    with pytest.raises(RheobaseError) as refused:
        lowered(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Softmin(1)).eval())
    assert "--float" not in str(refused.value)
