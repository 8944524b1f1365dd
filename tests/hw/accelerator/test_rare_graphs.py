"""Shapes that random draws seldom have: whole accelerators, scores against the golden model."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from rheobase.golden import Coding
from rheobase.hw.design.synapses import is_streamed
from tests.support.networks.random_networks import random_images
from tests.support.networks.rare_graphs import RARE, rare_network
from tests.support.simulation.simulated import expected_results, results


def _cases():
    """Every shape once, in turn in each coding; the other half is slow."""
    for number, (shape, coding) in enumerate(product(RARE, Coding)):
        slow = (number + number // len(Coding)) % 2
        yield pytest.param(shape, coding, marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("shape", "coding"), list(_cases()))
def test_scores(shape, coding):
    rng = np.random.default_rng([list(RARE).index(shape), list(Coding).index(coding)])
    _check(rng, *rare_network(rng, shape, coding))


@pytest.mark.parametrize("shape", ["padded_sums", "direct_in_one_group"])
def test_scores_of_signed_layers(shape):
    rng = np.random.default_rng(list(RARE).index(shape))
    network, folding = rare_network(rng, shape, Coding.RADIX)
    first, rare, last = network.layers
    # Less bias, so that potentials of both signs come.
    rare = replace(rare, bias=rare.bias - 10, negative_threshold=rare.threshold * np.int32(2))
    first = replace(first, negative_threshold=first.threshold.copy())
    _check(rng, replace(network, layers=(first, rare, last)), folding)


def _check(rng, network, folding):
    assert is_streamed(network, 2, folding[2].neurons)
    images = random_images(rng, network, 3)[1:]
    expected = expected_results(network, images)
    # Images that give the same scores would not tell right from wrong.
    assert expected[:3] != expected[3:]
    assert results(network, folding, images) == expected
