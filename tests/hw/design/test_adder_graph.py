"""Adder graphs: their products against NumPy's, and the bounds of what is in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.bounds import Interval
from rheobase.hw.design.adder_graph import Adder, AdderGraph, GraphOutput, value_bits
from rheobase.hw.design.graph_optimiser import adder_graph

pytest.importorskip("da4ml", reason="graph lanes need the extra graphs")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 5))
def test_product_and_bounds(seed, inputs, outputs):
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(1, 8))
    weights = rng.integers(-(2**bits), 2**bits, (inputs, outputs)) * (rng.random() < 0.9)
    weights *= rng.random(weights.shape) < rng.random()
    lows = rng.integers(-3, 1, inputs)
    highs = lows + rng.integers(1, 256, inputs)
    bounds = [Interval(int(a), int(b)) for a, b in zip(lows, highs, strict=True)]
    graph = adder_graph(weights, bounds)

    values = rng.integers(lows, highs + 1, (20, inputs))
    values[0], values[1] = lows, highs
    assert np.array_equal(graph.evaluate(values), values @ weights)

    # Each node's extremes are reached where each input is at one of its own.
    for node, (known, own) in enumerate(zip(graph.bounds, graph.weights, strict=True)):
        most = int(np.where(own > 0, highs, lows) @ own)
        least = int(np.where(own > 0, lows, highs) @ own)
        assert (known.low, known.high) == (least, most), node
    assert len(graph.adder_widths) == len(graph.adders)
    assert graph.depth <= max((len(graph.adders), 0))


def test_shared_terms():
    """Two equal columns need the adders of one."""
    column = np.array([3, 5, -7, 11])
    inputs = [Interval(0, 1)] * 4
    one = adder_graph(column[:, np.newaxis], inputs)
    two = adder_graph(np.stack([column, 2 * column], axis=1), inputs)
    assert len(two.adders) == len(one.adders) > 2


def test_widths_and_waiting_bits():
    """By hand: a + 4b passes a's bits by, and waits for the adder behind two others."""
    bit = Interval(0, 1)
    graph = AdderGraph(
        (bit, bit),
        (
            Adder(0, 1, 0, 2, subtracts=False),  # 0..5, of which two bits are a's
            Adder(2, 2, 0, 1, subtracts=False),  # 0..15, the lowest passes by
            Adder(3, 2, 0, 0, subtracts=True),  # 0..10
            Adder(4, 0, 0, 0, subtracts=False),  # a is a bit wide, and waits a stage
        ),
        (GraphOutput(5, 0, negative=False), None),
    )
    assert [(b.low, b.high) for b in graph.bounds[2:]] == [(0, 5), (0, 15), (0, 10), (0, 11)]
    assert graph.adder_widths == (1, 3, 4, 4)
    assert (graph.levels, graph.depth, graph.latency) == ((0, 0, 1, 2, 3, 4), 4, 2)
    assert graph.waiting_bits == 0
    assert [value_bits(Interval(*b)) for b in ((0, 0), (0, 7), (-1, 7), (-9, 0))] == [1, 3, 4, 5]


def test_refusals():
    bit = Interval(0, 1)
    with pytest.raises(RheobaseError, match=r"weights have shape \(3, 1\), must be \(2, outputs\)"):
        adder_graph(np.ones((3, 1), int), [bit, bit])
    with pytest.raises(RheobaseError, match=r"a sum of up to 16,777,216, must be below 2\^24"):
        adder_graph(np.full((1, 1), 2**24), [bit])
    with pytest.raises(RheobaseError, match=r"adder 2 reads nodes 0 and 2, must be in 0\.\.1"):
        AdderGraph((bit, bit), (Adder(0, 2, 0, 0, subtracts=False),), ())
