"""The lowered network in the golden model against the graph, spiking in float64.

Models whose weights are multiples of one number lose nothing to rounding, so golden must agree with
the graph exactly; others must come close.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from torch import nn

from rheobase.converter.graph.bias_shifts import with_shifts
from rheobase.converter.graph.levels import is_signed, with_own_steps
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.rewrite.rewrite import prepared, with_readout
from rheobase.converter.signed.placement import linear_points, with_signed
from rheobase.converter.tracing.trace import trace
from rheobase.golden import RheobaseError, run_golden
from rheobase.golden.network.network import Coding, Readout
from tests.support.models.exact_models import (
    LEVEL,
    MEAN,
    STD,
    Branches,
    CeilPooled,
    Leaky,
    Linear,
    Pooled,
    assert_equal,
    exact,
)
from tests.support.networks.spiking_graph import radix, rate


class CeilShifted(CeilPooled):
    """A constant between the maximum over spike trains and the neurons."""

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2, ceil_mode=True)
        x = torch.cat((functional.relu(self.left(x)), functional.relu(self.right(x))), 1)
        return functional.relu(functional.max_pool2d(x - LEVEL, 3, 2, ceil_mode=True))


def lowered_pair(kind, size, coding, steps, own=(), **options):
    graph = prepared(trace(exact(kind(), 3), (3, *size)))
    graph = with_signed(graph, dict.fromkeys(linear_points(graph))).to("cpu", torch.float64)
    names = [operation.name for operation in graph.neurons]
    own = dict(zip(names, own, strict=False))
    graph = with_own_steps(graph, own)
    thresholds = {}
    for operation in graph.neurons:
        full = 2 ** (own.get(operation.name, steps) - 1)
        full = full if is_signed(operation) else 2 * full - 1
        level = LEVEL * (1 if coding == Coding.RATE else full)
        thresholds[operation.name] = torch.full((operation.shape[0],), level)
    lowered = lower_graph(
        graph, thresholds, mean=MEAN, std=STD, coding=coding, steps=steps, **options
    )
    images = np.random.default_rng(1).integers(0, 256, (6, 3, *size)).astype(np.uint8)
    return graph, thresholds, lowered, images, torch.from_numpy(images.astype(float)) - 51


#: Models with layers that fire signed.
SIGNED = [(Linear, (6, 6)), (Leaky, (14, 14))]


@pytest.mark.parametrize(
    ("kind", "size"), [(Branches, (8, 8)), (Pooled, (13, 13)), (CeilPooled, (14, 14)), *SIGNED]
)
@pytest.mark.parametrize("steps", [1, 3])
def test_radix_equals_the_graph(kind, size, steps):
    graph, thresholds, lowered, images, real = lowered_pair(kind, size, Coding.RADIX, steps)
    expected = radix(graph, real, thresholds, steps)
    assert_equal(lowered, run_golden(lowered.network, images), expected)


@pytest.mark.parametrize(("kind", "size"), [(Branches, (8, 8)), (CeilPooled, (14, 14)), *SIGNED])
def test_layers_with_a_t_of_their_own_equal_the_graph(kind, size):
    own = (2, 4, 1, 3, 2, 4, 1)
    graph, thresholds, lowered, images, real = lowered_pair(kind, size, Coding.RADIX, 4, own)
    given = {o.name: steps for o, steps in zip(graph.neurons, own, strict=False)}
    layers = {layer.name: layer.steps for layer in lowered.network.layers}
    # A layer in front of a pooling beyond the map is named after the neurons.
    assert {layers[name] for name in given} | {*layers.values()} == {*given.values(), None}
    assert all(layers[name] == steps for name, steps in given.items())
    expected = radix(graph, real, thresholds, 4, given)
    assert_equal(lowered, run_golden(lowered.network, images), expected)


def test_constant_behind_a_window_beyond_the_map():
    graph, thresholds, lowered, images, real = lowered_pair(CeilShifted, (14, 14), Coding.RADIX, 3)
    expected = radix(graph, real, thresholds, 3)
    assert_equal(lowered, run_golden(lowered.network, images), expected)


@pytest.mark.parametrize(("kind", "size"), [(Branches, (8, 8)), (Pooled, (13, 13)), *SIGNED])
def test_rate_equals_the_graph(kind, size):
    graph, thresholds, lowered, images, real = lowered_pair(kind, size, Coding.RATE, 7)
    assert_equal(lowered, run_golden(lowered.network, images), rate(graph, real, thresholds, 7))


def test_bias_shift_and_initial_potential():
    """Shifts by whole numbers of each channel's scale lose nothing either."""
    graph, thresholds, plain, images, real = lowered_pair(Branches, (8, 8), Coding.RATE, 7)
    rng = np.random.default_rng(4)
    shift = {
        layer.name: torch.from_numpy(rng.integers(-300, 301, len(layer.scale)) * layer.scale)
        for layer in plain.layers
        if layer.name in thresholds
    }
    initial = {name: torch.tensor(0.25) for name in shift}
    lowered = lower_graph(
        with_shifts(graph, shift),
        thresholds,
        mean=MEAN,
        std=STD,
        coding=Coding.RATE,
        steps=7,
        initial=initial,
    )
    expected = rate(graph, real, thresholds, 7, shift, initial=0.25)
    assert_equal(lowered, run_golden(lowered.network, images), expected)


class Activated(nn.Module):
    """A ReLU that is an output, twice, and that another output depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 3, 1)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        last = functional.relu(self.next(x))
        return {"first": x, "again": x, "last": last, "mean": x.mean((2, 3))}


def test_outputs_that_are_neurons():
    graph, thresholds, lowered, images, real = lowered_pair(Activated, (6, 6), Coding.RATE, 5)
    expected = rate(graph, real, thresholds, 5)
    assert_equal(lowered, run_golden(lowered.network, images), expected)
    assert [layer.threshold is None for layer in lowered.network.layers] == [False] * 2 + [True] * 3
    first, again = (lowered.outputs[label].parts[0] for label in ("first", "again"))
    assert first.index == again.index


@pytest.mark.parametrize("coding", Coding)
def test_counts(coding):
    """Outputs get neurons where they have none; those that have are counted as they are."""
    steps = 5
    graph = prepared(trace(exact(Activated(), 3), (3, 6, 6))).to("cpu", torch.float64)
    top = 1 if coding == Coding.RATE else 2**steps - 1
    channels = {name: graph.by_name[name].shape[0] for name in graph.outputs.values()}
    thresholds = {name: torch.full((count,), LEVEL * top) for name, count in channels.items()}
    lowered = lower_graph(
        graph, thresholds, mean=MEAN, std=STD, coding=coding, steps=steps, readout=Readout.COUNT
    )
    assert all(layer.threshold is not None for layer in lowered.network.layers)
    assert len(lowered.network.layers) == len(lowered.network.outputs) == 3
    images = np.random.default_rng(1).integers(0, 256, (6, 3, 6, 6)).astype(np.uint8)
    real = torch.from_numpy(images.astype(float)) - 51
    expected = (rate if coding == Coding.RATE else radix)(graph, real, thresholds, steps)
    mean = expected.pop("mean")
    simulation = run_golden(lowered.network, images)
    found = lowered.real_outputs(simulation.outputs)
    for label, values in expected.items():
        np.testing.assert_allclose(found[label], values.numpy(), rtol=1e-9, atol=1e-6)
    assert np.abs(found["mean"] - mean.numpy()).max() <= LEVEL / 2 if top > 1 else LEVEL


def test_counts_behind_a_flattened_map():
    """The readout's neurons are counted themselves, whatever shape the model gives them."""
    model = exact(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 2), nn.Flatten()), 3)
    graph = with_readout(prepared(trace(model, (3, 5, 5)))).to("cpu", torch.float64)
    thresholds = {o.name: torch.full((o.shape[0],), LEVEL) for o in graph.neurons}
    lowered = lower_graph(
        graph, thresholds, mean=MEAN, std=STD, coding=Coding.RATE, steps=6, readout=Readout.COUNT
    )
    assert len(lowered.network.layers) == 2 and lowered.outputs["out"].shape == (8,)
    images = np.random.default_rng(1).integers(0, 256, (6, 3, 5, 5)).astype(np.uint8)
    expected = rate(graph, torch.from_numpy(images.astype(float)) - 51, thresholds, 6)
    assert_equal(lowered, run_golden(lowered.network, images), expected)


def _small():
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 36, 4),
    ).eval()


def _lower(**options):
    graph = prepared(trace(_small(), (3, 6, 6)))
    given = {"mean": MEAN, "std": [0.3] * 3, "coding": Coding.RADIX, "steps": 4} | options
    return lower_graph(graph, given.pop("thresholds", dict.fromkeys(("1", "3"), 1.0)), **given)


def test_widths_by_layer():
    lowered = _lower(weight_bits={"1": 8, "3": 3, "5": 5})
    widths = [layer.connections[0].weight_bits for layer in lowered.network.layers]
    assert widths == [8, 3, 5]
    spans = [int(np.abs(layer.connections[0].weight).max()) for layer in lowered.network.layers]
    assert 64 <= spans[0] <= 128 and spans[1] in (3, 4) and 8 <= spans[2] <= 16


def test_a_source_is_worth_its_integer_threshold():
    """At few bits the integer threshold is not the float one, and later weights make up for it."""
    lowered = _lower(weight_bits=3, thresholds={"1": 0.05, "3": 0.05})
    first, second = lowered.network.layers[:2]
    scales = lowered.layers
    assert np.abs(first.threshold * scales[0].scale * 300 - 1.0).max() > 0.01
    np.testing.assert_array_equal(scales[0].spike, first.threshold * scales[0].scale)
    real = _small()[2].weight.detach().double().numpy() * scales[0].spike[:, None, None]
    expected = np.clip(np.rint(real / scales[1].scale[:, None, None, None]), -4, 3)
    np.testing.assert_array_equal(second.connections[0].weight, expected)


def test_mean_between_two_pixel_values():
    """The zero point is the closest pixel; the rest of the mean is a bias."""
    lowered = _lower(mean=[51.4 / 255] * 3)
    assert lowered.network.zero_point.tolist() == [51] * 3
    conv = _small()[0]
    sums = conv.weight.detach().double().sum(dim=(1, 2, 3)).numpy()
    expected = conv.bias.detach().double().numpy() + sums * (51 - 51.4) / 255 / 0.3
    found = lowered.network.layers[0].bias * lowered.layers[0].scale
    assert (np.abs(found - expected) <= lowered.layers[0].scale / 2 * (1 + 1e-6)).all()


def test_one_scale_per_layer():
    lowered = _lower(per_channel=False)
    assert [len(set(layer.scale)) for layer in lowered.layers] == [1, 1, 1]
    assert [len(set(layer.scale)) for layer in _lower().layers] == [8, 8, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_bits": 9}, "weight bits is 9"),
        ({"weight_bits": {"1": 8, "3": 8}}, "weight bits: none for layer '5'"),
        ({"thresholds": {"1": 1.0}}, "thresholds: none for '3'"),
        ({"thresholds": {"1": 1.0, "3": 0.0}}, "3: threshold is 0.0, must be positive"),
        ({"thresholds": {"1": 1.0, "3": [1.0] * 5}}, "3: threshold has 5 values, must be 1, 8"),
        ({"thresholds": {"1": 1.0, "3": float("nan")}}, "3: threshold is not finite"),
        ({"initial": {"1": 1e12}}, "1: initial potential is .* must be below"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(RheobaseError, match=message):
        _lower(**options)
