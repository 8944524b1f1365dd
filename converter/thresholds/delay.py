"""Delayed evaluation: from which step on the output is counted (eq. 18-19)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..graph.graph import Graph, Operation, OperationKind
from .outcome import Balance

#: Steps that are counted at the least (section 4.5).
COUNTED_STEPS = 4


def first_output_spike(graph: Graph, balanced: Balance) -> float:
    """Expected time of the first spike in the last layer, in steps (eq. 19), v(0) = theta / 2.

    Each layer adds the time that its first neuron takes to charge from v(0) to its threshold at
    its mean current. Where thresholds differ from channel to channel, the first neuron is the one
    with the smallest such time. In the last layer the first neuron is another one for each image,
    the winner, so its current is the mean of the maximum there; the maximum of the means of eq. 19
    would be smaller by about the number of classes (docs/decisions/0004-delay.md). Thresholds of
    ``Method.PAPER`` have no such mean, and the equation as it stands.

    Layers add up along the longest path: a mean current needs all of its summands
    (docs/decisions/0022-delay-on-graphs.md).
    """
    times: dict[str, float] = {}
    for operation in graph.operations:
        time = max((times[name] for name in operation.inputs), default=0.0)
        if operation.kind == OperationKind.RELU:
            time += _charge_time(operation, balanced)
        times[operation.name] = time
    return max((times[name] for name in graph.outputs.values()), default=0.0)


def _charge_time(operation: Operation, balanced: Balance) -> float:
    threshold: Tensor = balanced.thresholds[operation.name]
    winner = balanced.mean_winner.get(operation.name)
    if winner is not None:
        return float(threshold.min()) / 2 / winner if winner > 0 else 0.0
    mean = balanced.mean_activations[operation.name]  # of either sign's magnitude
    charge = (threshold / 2).reshape(-1, *[1] * (mean.ndim - 1))
    if not bool((mean > 0).any()):
        return 0.0
    return float(torch.where(mean > 0, charge / mean.clamp(min=1e-30), torch.inf).min())


def choose_delay(expected: float, steps: int) -> int:
    """t0 for ``steps`` (T): the whole steps before the expected first spike, or at most T - 4."""
    if steps < expected + COUNTED_STEPS:
        return max(0, steps - COUNTED_STEPS)
    return math.floor(expected)
