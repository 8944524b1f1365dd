"""The float SNN on graphs against IF neurons written out one step at a time."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from rheobase.converter.graph.analog import clipped_outputs
from rheobase.converter.graph.graph import LINEAR_KINDS, OperationKind, per_channel
from rheobase.converter.graph.kernels import run_operation
from rheobase.converter.lower.outside import outside
from rheobase.converter.rewrite.rewrite import prepared, with_readout
from rheobase.converter.snn import snn as snn_module
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding, PoolRule
from tests.support.models.small_models import residual


def images(count=3, seed=5, shape=(2, 8, 8)):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed)).double()


def converted(model, inputs, *, counted=False, **options):
    graph = prepared(trace(model.double(), tuple(inputs.shape[1:])))
    if counted:
        graph = with_readout(graph)
    found = balance(graph, [inputs], method=Method.ROBUST, percentile=100)
    thresholds = {name: value.double() for name, value in found.thresholds.items()}
    return FloatSnn(graph, thresholds, **options)


def stepwise(snn, inputs, steps):
    """Per step, the outputs of that step alone, in plain loops."""
    potential, summed, results = {}, {}, []
    for step in range(1, steps + 1):
        values = {}
        for operation in snn.graph.operations:
            given = [values[name] for name in operation.inputs]
            if operation.kind == OperationKind.INPUT:
                result = inputs
            elif operation.kind == OperationKind.RELU:
                theta = per_channel(snn.thresholds[operation.name], given[0].ndim)
                v = potential.get(operation.name, theta / 2 + 0 * given[0]) + given[0]
                result = torch.where(v >= theta, theta.expand_as(v), torch.zeros_like(v))
                potential[operation.name] = v - result
            elif operation.kind == OperationKind.MAX_POOL and snn.rule == PoolRule.STEP:
                result = run_operation(operation, given[0])
            elif operation.kind not in LINEAR_KINDS:
                old, last = summed.get(operation.name, (0 * given[0], 0))
                new = old + given[0]
                scaled = step * run_operation(operation, new / step)
                summed[operation.name] = (new, scaled)
                result = scaled - last
            else:
                result = run_operation(operation, *given)
            values[operation.name] = result
        results.append({label: values[name] for label, name in snn.graph.outputs.items()})
    return results


class Gated(nn.Module):
    """A sample-dependent norm and a gate between neurons, interpolation, two outputs."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.conv3 = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        x = functional.relu(self.conv1(x))
        x = functional.relu(self.norm(self.conv2(x)))
        up = functional.interpolate(self.conv3(x), scale_factor=2.0, mode="bilinear")
        return {"map": up, "top": self.conv3(x).flatten(1)}


@pytest.mark.parametrize("batched", [1, 7, 128])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("rule", PoolRule)
def test_rate_equals_neurons_step_by_step(monkeypatch, batched, counted, rule):
    monkeypatch.setattr(snn_module, "BATCHED", batched)
    inputs = images()
    snn = converted(residual(), inputs, counted=counted, rule=rule, steps=11, delay=2)
    expected = stepwise(snn, inputs, 11)
    run = snn.run(inputs, keep=range(1, 12))
    for steps, delay in ((11, 2), (11, 0), (5, 1), (1, 0), (10, 9)):
        mean = sum(one["out"] for one in expected[delay:steps]) / (steps - delay)
        torch.testing.assert_close(run.outputs(steps, delay)["out"], mean, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(snn(inputs), run.outputs(11, 2)["out"])


@pytest.mark.parametrize("batched", [3, 128])
def test_floating_point_between_neurons_delivers_its_function_of_the_mean(monkeypatch, batched):
    monkeypatch.setattr(snn_module, "BATCHED", batched)
    torch.manual_seed(2)
    inputs = images()
    snn = converted(Gated(), inputs, steps=9)
    expected = stepwise(snn, inputs, 9)
    found = snn(inputs)
    assert set(found) == {"map", "top"}
    for label, value in found.items():
        mean = sum(one[label] for one in expected) / 9
        torch.testing.assert_close(value, mean, rtol=1e-9, atol=1e-9)
    paths = dict(outside(snn.graph))
    assert "GroupNorm, between neurons" in paths["norm"]
    assert "bilinear interpolation, behind the last neurons" in paths["interpolate"]


@pytest.mark.parametrize("factory", [residual, Gated])
def test_many_steps_reach_the_clipped_model(factory):
    torch.manual_seed(2)
    inputs = images()
    snn = converted(factory(), inputs, steps=512, delay=32)
    expected = clipped_outputs(snn.graph, inputs, snn.thresholds)
    found = snn.run(inputs).outputs()
    for label, value in found.items():
        assert float((value - expected[label]).norm() / expected[label].norm()) < 0.02


def test_radix_is_floor_and_clip_per_layer():
    inputs = images()
    snn = converted(residual(), inputs, coding=Coding.RADIX, steps=3)
    run = snn.run(inputs)
    values, spikes = {}, {}
    for operation in snn.graph.operations:
        given = [values[name] for name in operation.inputs]
        if operation.kind == OperationKind.RELU:
            theta = snn.thresholds[operation.name].numpy().reshape(-1, 1, 1)
            number = np.clip(np.floor(given[0].numpy() / (theta / 7) + 0.5), 0, 7).astype(int)
            spikes[operation.name] = np.mean([bin(n).count("1") for n in number.ravel()])
            values[operation.name] = torch.from_numpy(number * theta / 7)
        else:
            values[operation.name] = run_operation(operation, *given) if given else inputs
    torch.testing.assert_close(run.outputs()["out"], values["fc"])
    assert run.spikes == pytest.approx(spikes)


def test_spikes_are_counted():
    inputs = images()
    snn = converted(residual(), inputs, steps=20)
    run = snn.run(inputs)
    assert set(run.spikes) == {o.name for o in snn.graph.neurons}
    first = snn.graph.neurons[0]
    before = snn.graph.by_name[first.inputs[0]]
    current = run_operation(before, run_operation(snn.graph.by_name["conv1"], inputs))
    theta = per_channel(snn.thresholds[first.name], 4)
    total = torch.floor((20 * current + theta / 2) / theta).clamp(0, 20)
    assert run.spikes[first.name] == pytest.approx(float(total.mean()), rel=0.02)


def test_initial_potential():
    """At v(0) = 0 a constant current of 0.4 theta first fires in step 3, at theta / 2 in step 2."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.Conv2d(1, 1, 1, bias=False))
    with torch.no_grad():
        model[0].weight.fill_(0.4), model[2].weight.fill_(1.0)
    graph = prepared(trace(model, (1, 1, 1)))
    # The last reaches the threshold exactly, which is enough.
    for initial, theta, first in (
        (0.0, 1.0, 3),
        (0.5, 1.0, 2),
        ({"1": 0.7}, 1.0, 1),
        (0.5, 0.8, 1),
    ):
        snn = FloatSnn(graph, {"1": torch.full((1,), theta)}, steps=4, initial=initial)
        run = snn.run(torch.ones(1, 1, 1, 1), keep=range(1, 5))
        fired = [float(run.outputs(t)["out"]) > 0 for t in range(1, 5)]
        assert fired.index(True) + 1 == first


def test_steps_that_were_not_kept_are_named():
    inputs = images()
    snn = converted(residual(), inputs, steps=8)
    run = snn.run(inputs, keep=[4])
    run.outputs(4)
    with pytest.raises(RheobaseError, match="T: 5, must be one of the steps kept: 4, 8"):
        run.outputs(5)
    with pytest.raises(RheobaseError, match="t0: 3, must be one of"):
        run.outputs(8, 3)
    with pytest.raises(RheobaseError, match=r"t0 is 8, must be an integer in 0\.\.3 for T = 4"):
        run.outputs(4, 8)
    with pytest.raises(RheobaseError, match=r"steps to keep: \[8, 9\]"):
        snn.run(inputs, keep=[9])
