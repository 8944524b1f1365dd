"""Thresholds by the levels that T gives, of neurons that fire signed and of others."""

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.calibrate.threshold_prior import threshold_prior
from rheobase.converter.conversion import convert
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.graph.levels import Levels, mean_levels
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import with_readout
from rheobase.converter.signed.placement import linear_points, with_signed
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.thresholds.delay import first_output_spike
from rheobase.converter.thresholds.level_thresholds import (
    PARTS,
    level_thresholds,
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


def test_a_rare_channel_gets_what_its_layer_needs():
    """Active in two of 32 images, and below what it reaches in others; one that never is, too."""
    rng = np.random.default_rng(0)
    values = np.maximum(rng.normal(size=(32, 8, 40)), 0)
    values[:, :, :20] *= rng.random((32, 1, 20)) < 0.06
    values[:, :, 0] = 0
    target = torch.from_numpy(values.reshape(-1, 40))
    levels = mean_levels(False, Coding.RADIX, 4)
    prior = threshold_prior(target, 32, levels)
    assert prior is not None
    own, _ = level_thresholds(target.T, levels)
    found, errors = level_thresholds(target.T, levels, prior=prior)
    others = np.maximum(np.random.default_rng(1).normal(size=(4000, 1)), 0)

    def lost(thresholds):
        unit = thresholds[:20].numpy() / 15 + 1e-9
        near = np.clip(np.floor(others / unit + 0.5), 0, 15) * unit
        return ((near - others) ** 2).mean()

    assert own[0] == 0 < found[0]
    assert lost(found) < 0.5 * lost(own)
    unit = found / 15
    near = (torch.floor(target / unit + 0.5).clamp(0, 15) * unit - target).square().mean(dim=0)
    torch.testing.assert_close(errors, near + prior.at(found))


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
        distinct = len(threshold.unique())
        if method == Method.LEVELS:  # rare channels may get the same
            assert distinct > 1
        else:
            shared = method in (Method.LTB, Method.ROBUST)
            assert distinct == (1 if shared else len(threshold))
        mean = found.mean_activations[f"{point}:signed"]
        assert bool((mean >= 0).all()) and bool((mean > 0).any())
    assert first_output_spike(marked, found) > first_output_spike(with_readout(graph), plain)


def quantised(values, top, ends, full):
    unit = top / full
    return np.clip(np.floor(values / unit + 0.5), *ends) * unit


@pytest.mark.parametrize(("coding", "steps", "full"), [("radix", 3, 7), ("rate", 6, 6)])
def test_every_layer_is_fitted_to_what_those_before_deliver(coding, steps, full):
    """Of four values each channel's threshold is the best part of the largest, written in NumPy.

    What all channels of the layer need is tested on its own.
    """
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(), nn.Conv2d(5, 4, 1), nn.ReLU6())
    model[2].bias.data += 4.0  # every channel is active
    graph, images = prepared_graph(model, (3, 1, 1)), 8 * torch.randn(40, 3, 1, 1)
    found = balance(graph, [images], method=Method.LEVELS, levels=(Coding(coding), steps))
    flow = images.numpy()[:, :, 0, 0]
    for index, cap in ((0, None), (2, 6.0)):
        weight = model[index].weight.detach().numpy()[:, :, 0, 0]
        flow = np.clip(flow @ weight.T + model[index].bias.detach().numpy(), 0, cap)
        prior = threshold_prior(torch.from_numpy(flow), 40, Levels(full, 0, full))
        tops = []
        for number, channel in enumerate(flow.T):
            largest = channel.max() if prior is None else max(channel.max(), prior.best[number])
            tried = float(largest) * np.array(PARTS)
            errors = [
                np.mean((quantised(channel, t, (0, full), full) - channel) ** 2) for t in tried
            ]
            if prior is not None:
                errors += prior.at(torch.from_numpy(tried).float()).numpy()
            tops.append(tried[np.argmin(errors)])
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
