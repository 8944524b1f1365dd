"""Thresholds of neurons that fire signed."""

import numpy as np
import pytest
import torch

from rheobase.converter.rewrite.rewrite import with_readout
from rheobase.converter.signed.placement import linear_points, with_signed
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.thresholds.delay import first_output_spike
from rheobase.converter.thresholds.signed_thresholds import (
    PARTS,
    mean_levels,
    signed_thresholds,
)
from rheobase.golden.network.network import Coding
from tests.support.small_models import bottlenecks, prepared_graph


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
    levels = mean_levels(Coding(coding), steps)
    found, errors = signed_thresholds(torch.from_numpy(values), levels, shared=shared)
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
    assert signed_thresholds(values, None)[0].tolist() == [3.0, 0.0]


@pytest.mark.parametrize("method", Method)
def test_linear_layers_are_balanced(method):
    graph = prepared_graph(bottlenecks(), (3, 16, 16))
    points = linear_points(graph)
    marked, images = (
        with_readout(with_signed(graph, dict.fromkeys(points))),
        torch.randn(24, 3, 16, 16),
    )
    found = balance(
        marked, [images[:12], images[12:]], method=method, signed=mean_levels(Coding.RADIX, 5)
    )
    plain = balance(with_readout(graph), [images[:12], images[12:]], method=method)
    unclipped = plain.thresholds if method != Method.PAPER else {}
    for name, value in unclipped.items():  # nothing is clipped that was not
        torch.testing.assert_close(found.thresholds[name], value)
    for point in points:
        threshold = found.thresholds[f"{point}:signed"]
        assert bool((threshold > 0).all())
        distinct = len(threshold) if method in (Method.CLTB, Method.PAPER) else 1
        assert len(threshold.unique()) == distinct
        mean = found.mean_activations[f"{point}:signed"]
        assert bool((mean >= 0).all()) and bool((mean > 0).any())
    assert first_output_spike(marked, found) > first_output_spike(with_readout(graph), plain)
