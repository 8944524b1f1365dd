"""T of each layer within a budget of synaptic operations."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from rheobase.converter.conversion import convert
from rheobase.converter.graph.levels import steps_of
from rheobase.converter.lower.spike_budget import (
    Planes,
    allocation,
    budget_operations,
    operations_per_spike,
    planes_by_group,
    together,
    with_shared_out_steps,
)
from rheobase.converter.options import Options
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.summary import summary_lines
from rheobase.converter.tracing.trace import trace
from rheobase.golden import run_golden
from rheobase.golden.run.statistics import accumulations


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=4), st.integers(1, 4), st.data())
def test_layers_that_cost_alike_get_the_best_allocation(sensitivities, most, data) -> None:
    """Errors that go with 4 ** -T are convex: no allocation of as many planes has less."""
    planes = range(1, most + 1)
    layers = {
        index: Planes(tuple(s * 4.0**-t for t in planes), tuple(map(float, planes)))
        for index, s in enumerate(sensitivities)
    }
    budget = data.draw(st.integers(len(layers), most * len(layers)))
    found = allocation(layers, float(budget))
    assert sum(found.values()) <= budget
    least = min(
        sum(layers[index].errors[t - 1] for index, t in enumerate(chosen))
        for chosen in product(planes, repeat=len(layers))
        if sum(chosen) <= budget
    )
    assert sum(layers[i].errors[t - 1] for i, t in found.items()) == pytest.approx(least)


def test_two_planes_at_once_where_one_alone_is_no_gain() -> None:
    layers = {
        "a": Planes((1.0, 1.0, 0.1), (1.0, 2.0, 3.0)),
        "b": Planes((1.0, 0.9, 0.8), (1.0, 2.0, 3.0)),
    }
    assert allocation(layers, 4.0) == {"a": 3, "b": 1}
    assert allocation(layers, 3.0) == {"a": 1, "b": 2}
    assert allocation(layers, 99.0) == {"a": 3, "b": 3}


def test_the_budget_is_that_of_one_t_everywhere() -> None:
    layers = [Planes((0.0, 0.0), (1.0, 5.0)), Planes((0.0, 0.0), (2.0, 3.0))]
    found = [budget_operations(layers, budget) for budget in (1, 1.25, 2)]
    assert found == [3.0, 3.0 + 0.25 * 5, 8.0]


class _Chain(nn.Module):
    """1 x 1 kernels, whose every input reaches all outputs; the second reads the first two."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 6, 1), nn.Conv2d(6, 6, 1)
        self.third, self.linear = nn.Conv2d(12, 4, 1), nn.Linear(4 * 16, 5)

    def forward(self, x):
        x = functional.relu(self.first(x))
        y = functional.relu(self.second(x))
        z = functional.relu(self.third(torch.cat((x, y), 1)))
        return self.linear(z.flatten(1))


def _pixels(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 2, 4, 4), dtype=np.uint8)


def _model() -> nn.Module:
    torch.manual_seed(3)
    return _Chain().eval()


def test_a_spike_reaches_so_many_synapses() -> None:
    graph = prepared(trace(_model(), (2, 4, 4)))
    assert [operations_per_spike(graph, o.name) for o in graph.neurons] == [6 + 4, 4, 5]


def test_operations_are_those_of_the_golden_model() -> None:
    """Of a network with thresholds by the same rule, at T = 2 in all layers."""
    graph = prepared(trace(_model(), (2, 4, 4)))
    options = Options(coding="radix", steps=2, method="levels")
    made = convert(_model(), _pixels(), mean=0.5, std=0.25, options=options)
    images = torch.from_numpy((_pixels() / 255 - 0.5) / 0.25).float()
    run = run_golden(made.network, _pixels(), record=True)
    counted = np.zeros(3)
    for layer, record in zip(made.network.layers, run.layers, strict=True):
        for connection, events in zip(layer.connections, record.events, strict=True):
            if connection.source >= 0:
                counted[connection.source] += accumulations(connection, events, 1).mean()
    predicted = [planes.operations[1] for planes in planes_by_group(graph, images, 2).values()]
    np.testing.assert_allclose(counted, predicted, rtol=0.1)


def test_what_an_output_depends_on_more_gets_more_planes() -> None:
    """A layer whose weights are scaled down to a hundredth has hardly a say."""
    model = _model()
    with torch.no_grad():
        model.third.weight[:, 6:] *= 0.01
    options = Options(coding="radix", steps=5, spike_budget=3.0, method="levels")
    made = convert(model, _pixels(), mean=0.5, std=0.25, options=options)
    steps = {layer.name: layer.steps or 5 for layer in made.network.layers[:3]}
    first, second, third = steps.values()
    assert second < min(first, third) and max(steps.values()) <= 5
    assert made.network.steps == 5
    assert any(line.startswith("layers by their T: T = ") for line in summary_lines(made))
    rows = made.summary()
    assert [row["T"] for row in rows] == [first, second, third, None]
    wide = convert(model, _pixels(), mean=0.5, std=0.25, options=replace(options, spike_budget=5))
    assert sum(layer.steps or 5 for layer in wide.network.layers[:3]) > sum(steps.values())


class _Repeated(nn.Module):
    """A pooled map that is read unpooled as well: neurons that repeat it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 2, 2)
        self.linear = nn.Linear(32, 3)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        pooled = functional.max_pool2d(x, 2)
        return self.linear(torch.cat((pooled, functional.relu(self.next(x))), 1).flatten(1))


def test_neurons_that_repeat_have_the_t_of_what_they_repeat() -> None:
    graph = prepared(trace(_Repeated().eval(), (2, 4, 4)))
    copies = [o.name for o in graph.neurons if o.arguments["copy"]]
    assert len(copies) == 1
    groups = together(graph)
    assert sorted(map(len, groups)) == [1, 2]
    batches = [torch.randn(8, 2, 4, 4)]
    found = with_shared_out_steps(graph, batches, 4, 2.0)
    steps = {o.name: steps_of(o, 4) for o in found.neurons}
    group = next(group for group in groups if len(group) == 2)
    assert copies[0] in group and len({steps[name] for name in group}) == 1
