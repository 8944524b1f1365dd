"""Balancing, delay, quantisation and conversion against other ways to compute them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.data.pixels import normalised
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.graph.graph import OperationKind
from rheobase.converter.graph.kernels import run_operation
from rheobase.converter.options import Options, default_iterations
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import prepared, with_readout
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.thresholds.delay import choose_delay, first_output_spike
from rheobase.converter.thresholds.outcome import Balance
from rheobase.converter.tracing.qcfs import Qcfs
from rheobase.converter.tracing.trace import trace
from rheobase.golden import RheobaseError, run_golden
from rheobase.golden.network.network import Coding, PoolRule, Readout
from tests.support.models.small_models import residual


def _graph():
    """Convolution, pooling, two linear layers; the last is read out by neurons."""
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(2, 4, (3, 3), padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 5),
        nn.ReLU(),
        nn.Linear(5, 3),
    )
    return with_readout(prepared(trace(model, (2, 6, 6))))


def _images(count=50):
    return torch.randn(count, 2, 6, 6, generator=torch.Generator().manual_seed(5))


def _values(graph, images, thresholds):
    """Currents in front of every neuron operation, activations clipped at ``thresholds``."""
    values, currents = {}, {}
    for operation in graph.operations:
        given = [values[name] for name in operation.inputs]
        if operation.kind == OperationKind.RELU:
            currents[operation.name] = given[0].detach().numpy()
            clipped = thresholds(operation, currents[operation.name])
            values[operation.name] = torch.from_numpy(clipped.astype(np.float32))
        else:
            values[operation.name] = run_operation(operation, *given) if given else images
    return currents


def test_channelwise_balancing_equals_eq_14_to_17():
    """The same updates, element by element in NumPy, layer after layer on clipped currents."""
    graph, images = _graph(), _images()
    found = balance(graph, list(images.split(25)), iterations=6)
    thresholds = {o.name: np.zeros(o.shape[0]) for o in graph.neurons}

    def descend(operation, current):
        theta = thresholds[operation.name]
        shared = operation.arguments["readout"]
        for _ in range(3):
            for channel in range(len(theta)):
                values = current if shared else current[:, channel]
                above = values > theta[channel]
                delta = -np.sum(2 * (values[above] - theta[channel]))  # eq. 14
                if not shared:
                    theta[channel] -= delta / values.size  # eq. 15
                elif channel == 0:
                    step = delta / values.size
            if shared:
                theta -= step
        return np.clip(current, 0, theta.reshape(-1, *[1] * (current.ndim - 2)))  # eq. 13

    for batch in images.split(25):
        _values(graph, batch, descend)
    for name, other in thresholds.items():
        # A channel that never is active has no threshold of its own.
        other = np.where(other > 0, other, other.max())
        np.testing.assert_allclose(found.thresholds[name].numpy(), other, rtol=1e-4)
    readout = found.thresholds["6:readout"]
    assert len(set(readout.tolist())) == 1, "counts of the last layer are compared"
    assert (found.iterations, found.converged) == (6, False)


def test_layerwise_and_many_iterations_reach_the_maximum():
    """The minimiser of eq. 12 is the largest current: many steps come close from below."""
    graph, images = _graph(), _images(12)
    currents = _values(graph, images, lambda operation, current: np.maximum(current, 0))
    largest = currents["1"].max()
    few, many = (balance(graph, [images], method=Method.LTB, iterations=k) for k in (10, 40000))
    low, high = (float(found.thresholds["1"][0]) for found in (few, many))
    assert low < high <= largest * 1.001 and high > 0.97 * largest
    assert many.converged and many.iterations < 40000 and not few.converged
    assert len(set(many.thresholds["1"].tolist())) == 1


def test_batches_after_convergence_are_not_used():
    graph, images = _graph(), _images(40)
    used = []
    found = balance(graph, list(images.split(10)), iterations=10**6, progress=used.append)
    assert found.converged and sum(used) < 40


def test_robust_is_a_percentile():
    graph, images = _graph(), _images()
    found = balance(graph, [images], method=Method.ROBUST, percentile=97)
    currents = _values(graph, images, lambda operation, current: np.maximum(current, 0))
    for name in ("1", "5"):
        expected = np.quantile(np.maximum(currents[name], 0), 0.97)
        assert expected > 0
        np.testing.assert_allclose(found.thresholds[name].numpy(), expected, rtol=1e-3)


def test_batch_size_hardly_matters():
    images = _images(400)
    one, other = (
        balance(_graph(), list(images.split(size)), iterations=60).thresholds for size in (40, 130)
    )
    for name in one:
        np.testing.assert_allclose(one[name].numpy(), other[name].numpy(), rtol=0.15)


def test_balancing_keeps_no_gradients():
    graph = _graph()
    with torch.enable_grad():
        found = balance(graph, [_images(4)], iterations=2)
    assert not any(value.requires_grad for value in found.thresholds.values())


def test_caps_qcfs_and_copies():
    torch.manual_seed(0)
    pool = nn.MaxPool2d(3, 1, 1)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 1)
            self.act, self.qcfs = nn.ReLU6(), Qcfs(4, 0.7)
            self.pool, self.last = pool, nn.Conv2d(6, 2, 1)

        def forward(self, x):
            x = torch.cat([self.act(9 * self.conv(x)), self.qcfs(x)], 1)[:, :3]
            return self.last(torch.cat([x, self.pool(x)], 1))

    graph = prepared(trace(Model(), (2, 6, 6)))
    images = _images()
    for method in Method:
        given = {"method": method, "iterations": 3000, "percentile": 100}
        found = balance(graph, [images], levels=(Coding.RADIX, 8), **given)
        assert float(found.thresholds["act"].max()) == 6.0
        assert found.thresholds["qcfs"].tolist() == pytest.approx([0.7, 0.7])


def test_copies_take_the_thresholds_that_they_repeat():
    torch.manual_seed(0)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 2, 1)
            self.last = nn.Conv2d(10, 2, 1)

        def forward(self, x):
            x = torch.cat([self.one(x).relu(), self.two(x).relu()], 1)
            return self.last(torch.cat([x, torch.max_pool2d(x, 3, 1, 1)], 1))

    graph = prepared(trace(Model(), (2, 6, 6)))
    found = balance(graph, [_images()], iterations=20).thresholds
    assert torch.equal(found["max_pool2d:copy"], torch.cat([found["relu"], found["relu#2"]]))


def test_delay_by_hand():
    """Two hidden layers and the last: 0.5/0.5 + 1/0.25 + 3/2 = 6.5 steps."""
    graph = _graph()
    balanced = Balance(
        thresholds={
            "1": torch.tensor([1.0, 4.0, 9.0, 9.0]),
            "5": torch.tensor([2.0] * 5),
            "6:readout": torch.tensor([6.0, 6.0, 6.0]),
        },
        mean_activations={
            "1": torch.tensor([[[0.1, 0.5]], [[0.4, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]]]),
            "5": torch.tensor([0.25, 0.0, 0.1, 0.1, 0.1]),
            "6:readout": torch.tensor([0.7, 0.2, 0.1]),
        },
        mean_winner={"6:readout": 2.0},
        iterations=1,
        converged=False,
    )
    assert first_output_spike(graph, balanced) == pytest.approx(6.5)
    assert choose_delay(6.5, 32) == 6
    assert choose_delay(6.5, 10) == 6 == 10 - 4
    assert choose_delay(6.5, 8) == 4
    assert choose_delay(6.5, 3) == 0


class Skipping(nn.Module):
    """A path of one layer of neurons beside one of three."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = (nn.Linear(4, 4) for _ in range(3))
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        x = self.one(x.flatten(1)).relu()
        return self.last(self.three(self.two(x).relu()).relu() + x)


def test_delay_follows_the_longest_path():
    torch.manual_seed(1)
    graph = with_readout(prepared(trace(Skipping(), (1, 2, 2))))
    images = torch.randn(50, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    balanced = balance(graph, [images], iterations=50)
    times = []
    for name in ("relu", "relu#2", "relu#3"):
        half = balanced.thresholds[name].numpy() / 2
        mean = balanced.mean_activations[name].numpy()
        times.append(min(h / m for h, m in zip(half, mean, strict=True) if m > 0))
    readout = balanced.thresholds["last:readout"][0].item() / 2
    times.append(readout / balanced.mean_winner["last:readout"])
    assert first_output_spike(graph, balanced) == pytest.approx(sum(times), rel=1e-5)


def _model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 2 * 2, 4),
    ).eval()


def _pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 8, 8)).astype(np.uint8)


@pytest.mark.parametrize("coding", Coding)
@pytest.mark.parametrize("readout", Readout)
@pytest.mark.parametrize("rule", PoolRule)
def test_integer_network_follows_the_float_snn(coding, readout, rule):
    """At 8 bits the scores are those of the float SNN, up to one scale for all classes."""
    steps = 24 if coding == Coding.RATE else 6
    options = Options(coding=coding, readout=readout, rule=rule, steps=steps, iterations=60)
    conversion = convert(_model(), _pixels(100), mean=[0.4], std=[0.3], options=options)
    images = _pixels(60, 1)
    scores = run_golden(conversion.network, images).scores.astype(float)
    expected = conversion.snn(normalised(images, [0.4], [0.3])).numpy()
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.985


@pytest.mark.parametrize("coding", Coding)
def test_many_steps_approach_the_model(coding):
    model, images = _model(), _pixels(40, 2)
    options = Options(coding=coding, steps=512 if coding == Coding.RATE else 9, iterations=5000)
    conversion = convert(model, images, mean=[0.5], std=[0.25], options=options)
    inputs = normalised(images, [0.5], [0.25])
    with torch.no_grad():
        expected = model(inputs)
    torch.testing.assert_close(
        analog_forward(conversion.graph, inputs), expected, rtol=1e-4, atol=1e-4
    )
    error = (conversion.snn(inputs) - expected).norm() / expected.norm()
    assert error < 0.03
    scores = run_golden(conversion.network, images).scores.astype(float)
    scale = (scores * expected.numpy()).sum() / np.square(scores).sum()
    assert np.linalg.norm(scores * scale - expected.numpy()) < 0.06 * float(expected.norm())


def test_zero_point_makes_padding_exact():
    """A mean that is a whole pixel: an image of that pixel has no input, padded or not."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2)
    ).eval()
    options = Options(method="cltb")  # a fit would change biases
    network = convert(model, _pixels(20), mean=[51 / 255], std=[1.0], options=options).network
    assert network.zero_point.tolist() == [51]
    grey = np.full((1, 1, 8, 8), 51, np.uint8)
    currents = run_golden(network, grey, record=True).layers[0].currents
    assert not currents.any()


def test_dead_channels_convert():
    model = _model()
    with torch.no_grad():
        model[0].weight[1] = 0
        model[0].bias[1] = -9
        model[4].weight[:, 2] = 0
    network = convert(model, _pixels(30), mean=[0.5], std=[0.5]).network
    record = run_golden(network, _pixels(10, 3), record=True).layers[0]
    assert not record.spikes[:, :, 1].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(steps=0), r"T is 0, must be an integer in 1\.\.1024"),
        (Options(coding=Coding.RADIX, steps=17), r"T is 17, must be an integer in 1\.\.16"),
        (Options(steps=4, delay=4), r"t0 is 4, must be an integer in 0\.\.3"),
        (Options(weight_bits=1), "weight bits is 1"),
        (Options(iterations=0), r"iterations \(K\) is 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(RheobaseError, match=message):
        convert(_model(), _pixels(4), mean=[0.5], std=[0.5], options=options)


def test_residual_network_converts():
    """Float SNN and integer network of a graph with branches, by both readouts."""
    model = residual()
    pixels = np.random.default_rng(0).integers(0, 256, (60, 2, 8, 8)).astype(np.uint8)
    for readout in Readout:
        options = Options(steps=48, readout=readout, iterations=200, delay=8)
        conversion = convert(model, pixels, mean=[0.5], std=[0.25], options=options)
        expected = conversion.snn(normalised(pixels, [0.5], [0.25])).numpy()
        scores = run_golden(conversion.network, pixels).scores.astype(float)
        assert np.corrcoef(scores.ravel(), expected.ravel())[0, 1] > 0.97
        rows = conversion.summary()
        assert next(iter(rows))["layer"] == "relu" and all(row["weights"] for row in rows)


def test_float_snn_alone():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(4, 4, 3),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(400, 3),
        nn.Softmax(1),
    )
    pixels = _pixels(8)
    with pytest.raises(RheobaseError, match=r"2 \(Upsample"):
        convert(model, pixels, mean=[0.5], std=[0.5])
    options = Options(steps=300, iterations=4000, delay=20, lower=False)
    conversion = convert(model, pixels, mean=[0.5], std=[0.5], options=options)
    with pytest.raises(RheobaseError, match="lower=False"):
        _ = conversion.network
    assert [path for path, _ in conversion.outside] == ["2", "4", "8"]
    inputs = normalised(pixels, [0.5], [0.5])
    torch.testing.assert_close(conversion.snn(inputs), model(inputs).detach(), atol=0.02, rtol=0)


def test_video_converts_to_a_float_snn():
    model = nn.Sequential(
        nn.Conv3d(2, 4, 3, padding=1),
        nn.BatchNorm3d(4),
        nn.ReLU(),
        nn.MaxPool3d((1, 2, 2)),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 2, 4, 8, 8)).astype(np.uint8)
    options = Options(steps=200, iterations=4000, lower=False)
    conversion = convert(model, pixels, mean=[0.5], std=[0.5], options=options)
    inputs = normalised(pixels, [0.5], [0.5])
    torch.testing.assert_close(conversion.snn(inputs), model(inputs).detach(), atol=0.02, rtol=0.02)
    with pytest.raises(RheobaseError, match=r"0 \(Conv3d"):
        convert(model, pixels, mean=[0.5], std=[0.5])


def test_default_iterations_grow_with_the_levels():
    levels = [default_iterations(Options(steps=t)) for t in (4, 8, 16, 32, 128)]
    assert levels == [48, 48, 48, 96, 200]
    assert default_iterations(Options(coding=Coding.RADIX, steps=5)) == 93


def test_balancing_alone_is_evaluated_late():
    """t0 of a summed current: the charging times of the neurons, without a last threshold."""
    pixels = _pixels(20)
    plain = Options(steps=32, lower=False)
    assert convert(_model(), pixels, mean=[0.5], std=[0.5], options=plain).snn.delay == 0
    for recipe, readout in (("cltb", "current"), ("ltb", "current"), ("cltb", "count")):
        options = with_recipe(replace(plain, readout=Readout(readout)), recipe)
        conversion = convert(_model(), pixels, mean=[0.5], std=[0.5], options=options)
        balanced, expected = conversion.balance, 0.0
        for name, mean in balanced.mean_activations.items():
            level = balanced.thresholds[name].reshape(-1, *[1] * (mean.ndim - 1)) / 2
            if not name.endswith(":readout"):
                expected += float((level / mean)[mean > 0].min())
            elif readout == "count":
                expected += float(level.min()) / balanced.mean_winner[name]
        assert conversion.snn.delay == int(expected) > 0
    radix = with_recipe(replace(plain, coding=Coding.RADIX, steps=4), "cltb")
    assert convert(_model(), pixels, mean=[0.5], std=[0.5], options=radix).snn.delay == 0
