"""Which numbers the spikes of a neuron can spell, in both codings and of either sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...golden.network.choices import Coding
from .graph import Graph, Operation, OperationKind


@dataclass(frozen=True)
class Levels:
    """Numbers from ``low`` to ``high``, of which ``full`` is worth the threshold.

    A threshold here is the full range of an activation in the model's units. In ``radix`` a spike
    train is one such number; in ``rate`` every step is one of its own.
    """

    full: int
    low: int
    high: int


def levels_of(signed: bool, coding: Coding, steps: int) -> Levels:
    """What a train (``radix``) or a step (``rate``) of neurons can say, signed or not."""
    if coding == Coding.RATE:
        return Levels(1, -1 if signed else 0, 1)
    half = 2 ** (steps - 1)
    return Levels(half, -half, half - 1) if signed else Levels(2 * half - 1, 0, 2 * half - 1)


def mean_levels(signed: bool, coding: Coding, steps: int) -> Levels:
    """Numbers that T steps of neurons tell apart: in ``rate``, the sums of their spikes."""
    if coding == Coding.RATE:
        return Levels(steps, -steps if signed else 0, steps)
    return levels_of(signed, coding, steps)


def steps_of(operation: Operation, steps: int) -> int:
    """T of a RELU's neurons in a network of T = ``steps``."""
    own = operation.arguments["steps"]
    return steps if own is None else own


def neuron_levels(operation: Operation, coding: Coding, steps: int) -> Levels:
    """``levels_of`` a RELU's neurons in a network of T = ``steps``."""
    return levels_of(is_signed(operation), coding, steps_of(operation, steps))


def with_own_steps(graph: Graph, steps: Mapping[str, int]) -> Graph:
    """``graph`` whose neurons fire with T by their name, the others with the network's."""
    operations = (
        replace(o, arguments={**o.arguments, "steps": steps.get(o.name)})
        if o.kind == OperationKind.RELU
        else o
        for o in graph.operations
    )
    return replace(graph, operations=tuple(operations))


def is_signed(operation: Operation) -> bool:
    """Whether a RELU's neurons fire signed."""
    return operation.arguments["slope"] is not None


def fired_numbers(potential: Tensor, threshold: Tensor, slope: Tensor | None) -> Tensor:
    """How many thresholds a potential holds, without limits; v(0) is in it (docs/meaning.md).

    Args:
        potential: any shape.
        threshold: of one spike, broadcasting to it.
        slope: None, or that of neurons that fire signed: theta' = threshold / slope is what a
            negative spike takes.
    """
    if slope is None:
        return torch.floor(potential / threshold)
    taken = threshold / slope
    silent_from = (threshold - taken) / 2
    return torch.floor(
        torch.where(potential >= 0, potential / threshold, (potential - silent_from) / taken)
    )
