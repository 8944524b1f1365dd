"""Widths per layer within a budget."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from rheobase.converter.lower.budget import (
    allocated_bits,
    allocation,
    kernel_sizes,
    parse_budget,
    sensitivities,
)
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.thresholds.balancing import balance
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError


def test_budgets_are_read() -> None:
    assert parse_budget("1.1Mbit", 10) == pytest.approx(1.1e6)
    assert parse_budget("300kbit", 10) == 300_000
    assert parse_budget("4bit/weight", 10) == 40


@pytest.mark.parametrize("text", ["", "4", "4bits", "Mbit", "1.1Mbit/weight", "-3kbit"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(RheobaseError, match=r"weight budget: .*must be"):
        parse_budget(text, 10)


def test_equal_layers_get_the_best_allocation() -> None:
    layers = {"a": (10, 1.0), "b": (10, 0.05), "c": (10, 0.3)}
    budget = 10 * 12
    found = allocation(layers, budget)

    def error(bits: tuple[int, ...]) -> float:
        return sum(s * 4.0**-b for (_, s), b in zip(layers.values(), bits, strict=True))

    best = min((b for b in product(range(2, 9), repeat=3) if sum(b) <= 12), key=error)
    assert tuple(found.values()) == best
    assert found["a"] > found["c"] > found["b"]


def test_layers_that_matter_keep_more_bits_within_the_budget() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 4, 4),
    )
    with torch.no_grad():
        # The second layer has weights that are integers already: 3 bits lose nothing.
        model[2].weight.copy_(torch.randint(-3, 4, model[2].weight.shape))
        model[2].weight[:, 0, 0, 0] = 3.0
    graph = prepared(trace(model, (3, 8, 8)))
    images = torch.randn(32, 3, 8, 8)
    thresholds = balance(graph, [images]).thresholds
    measured = sensitivities(graph, images, thresholds)
    names = list(measured)
    assert measured[names[1]] < 1e-6 < min(measured[n] for n in names if n != names[1])
    sizes = kernel_sizes(graph)
    budget = 4 * sum(sizes.values())
    bits = allocated_bits(graph, images, thresholds, budget)
    assert sum(sizes[name] * bits[name] for name in sizes) <= budget
    assert bits[names[1]] == 2
    assert min(bits[n] for n in names if n != names[1]) > 3


def test_too_small_a_budget_is_refused() -> None:
    graph = prepared(trace(nn.Sequential(nn.Flatten(), nn.Linear(12, 4)), (3, 2, 2)))
    with pytest.raises(RheobaseError, match="must be at least 96 "):
        allocated_bits(graph, torch.randn(2, 3, 2, 2), {}, 95)
