"""Thresholds by the levels that T gives, of neurons that fire signed and of others."""

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import with_readout
from rheobase.converter.signed.placement import linear_points, with_signed
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.thresholds.delay import first_output_spike
from rheobase.converter.thresholds.level_thresholds import (
    PARTS,
    level_thresholds,
    mean_levels,
)
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from tests.support.models.small_models import bottlenecks, calibration_images, prepared_graph


@pytest.mark.parametrize(("coding", "steps", "ends"), [("radix", 3, (-4, 3)), ("rate", 5, (-5, 5))])
@pytest.mark.parametrize("shared", [False, True])
def test_no_other_part_has_a_smaller_error(coding, steps, ends, shared):
    rng = np.random.default_rng(0)
    values = rng.laplace(size=(4, 500)) * [[1.0], [3.0], [0.2], [1.0]] + [
        [0.0],
        [0.0],
        [0.1],
        [2.0],
    ]
    levels = mean_levels(True, Coding(coding), steps)
    found, errors = level_thresholds(torch.from_numpy(values), levels, shared=shared)
    top = np.abs(values).max(axis=1)
    top = np.full(4, top.max()) if shared else top
    full = 4 if coding == "radix" else 5
    tried = []
    for part in PARTS:
        unit = top[:, None] * part / full
        near = np.clip(np.floor(values / unit + 0.5), *ends) * unit
        tried.append(((near - values) ** 2).mean(axis=1))
    tried = np.array(tried)
    best = np.full(4, tried.sum(axis=1).argmin()) if shared else tried.argmin(axis=0)
    np.testing.assert_allclose(found, top * np.array(PARTS)[best])
    assert float(errors.sum()) == pytest.approx(tried[best, range(4)].sum())


def test_without_a_time_it_is_the_largest_magnitude():
    values = torch.tensor([[1.0, -3.0], [0.0, 0.0]])
    assert level_thresholds(values, None)[0].tolist() == [3.0, 0.0]


@pytest.mark.parametrize("method", Method)
def test_linear_layers_are_balanced(method):
    graph = prepared_graph(bottlenecks(), (3, 16, 16))
    points = linear_points(graph)
    marked, images = (
        with_readout(with_signed(graph, dict.fromkeys(points))),
        torch.randn(24, 3, 16, 16),
    )
    found = balance(marked, [images[:12], images[12:]], method=method, levels=(Coding.RADIX, 5))
    given = {"method": method, "levels": (Coding.RADIX, 5)}
    plain = balance(with_readout(graph), [images[:12], images[12:]], **given)
    unclipped = plain.thresholds if method not in (Method.PAPER, Method.LEVELS) else {}
    for name, value in unclipped.items():  # nothing is clipped that was not
        torch.testing.assert_close(found.thresholds[name], value)
    for point in points:
        threshold = found.thresholds[f"{point}:signed"]
        assert bool((threshold > 0).all())
        distinct = len(threshold) if method not in (Method.LTB, Method.ROBUST) else 1
        assert len(threshold.unique()) == distinct
        mean = found.mean_activations[f"{point}:signed"]
        assert bool((mean >= 0).all()) and bool((mean > 0).any())
    assert first_output_spike(marked, found) > first_output_spike(with_readout(graph), plain)


def quantised(values, top, ends, full):
    unit = top / full
    return np.clip(np.floor(values / unit + 0.5), *ends) * unit


@pytest.mark.parametrize(("coding", "steps", "full"), [("radix", 3, 7), ("rate", 6, 6)])
def test_every_layer_is_fitted_to_what_those_before_deliver(coding, steps, full):
    """Of four values each channel's threshold is the best part of the largest, written in NumPy."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(), nn.Conv2d(5, 4, 1), nn.ReLU6())
    model[2].bias.data += 4.0  # every channel is active
    graph, images = prepared_graph(model, (3, 1, 1)), 8 * torch.randn(40, 3, 1, 1)
    found = balance(graph, [images], method=Method.LEVELS, levels=(Coding(coding), steps))
    flow = images.numpy()[:, :, 0, 0]
    for index, cap in ((0, None), (2, 6.0)):
        weight = model[index].weight.detach().numpy()[:, :, 0, 0]
        flow = np.clip(flow @ weight.T + model[index].bias.detach().numpy(), 0, cap)
        tops = []
        for channel in flow.T:
            errors = [
                np.mean((quantised(channel, part * channel.max(), (0, full), full) - channel) ** 2)
                for part in PARTS
            ]
            tops.append(PARTS[int(np.argmin(errors))] * channel.max())
        tops = np.minimum(tops, cap or np.inf)
        np.testing.assert_allclose(found.thresholds[str(index + 1)], tops, rtol=1e-5)
        flow = quantised(flow, tops, (0, full), full)
        mean = found.mean_activations[str(index + 1)].flatten()
        np.testing.assert_allclose(mean, flow.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_levels_need_a_time():
    graph = prepared_graph(nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU()), (3, 1, 1))
    with pytest.raises(RheobaseError, match="method: 'levels', must be with a coding and T"):
        balance(graph, [torch.randn(2, 3, 1, 1)], method=Method.LEVELS)


def test_the_recipe_converts():
    options = with_recipe(Options(coding="radix", steps=4), "levels")
    assert options.method is Method.LEVELS and options.calibration is None
    plain, levels = (
        convert(bottlenecks(), calibration_images(), mean=0.5, std=0.25, options=given)
        for given in (Options(coding="radix", steps=4, method="cltb"), options)
    )
    pixels = (torch.from_numpy(calibration_images()) / 255 - 0.5) / 0.25
    expected = analog_forward(levels.graph, pixels)
    errors = [float((made.snn(pixels) - expected).norm()) for made in (plain, levels)]
    assert errors[1] < 0.8 * errors[0]
