"""T of each layer in ``radix`` within a budget of synaptic operations.

The layers that the outputs depend on most fire more planes, others fewer
(docs/decisions/0166-t-of-each-layer.md).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ...golden.errors import RheobaseError
from ...golden.network.choices import Coding
from ..data.batches import spread_images
from ..graph.analog import GraphProgress, run_graph
from ..graph.graph import WEIGHTED_KINDS, Graph, Operation, per_channel
from ..graph.kernels import run_operation
from ..graph.levels import is_signed, levels_of, with_own_steps
from ..graph.segments import segment_of
from ..thresholds.level_thresholds import level_thresholds
from ..thresholds.samples import channel_samples

#: Images that errors and spikes are measured on, T times for each layer.
IMAGES = 24


_Layer = TypeVar("_Layer", bound=Hashable)


@dataclass(frozen=True)
class Planes:
    """What T = 1, 2, ... of a layer comes to; each has a value for each of them.

    Attributes:
        errors: relative squared error of the outputs where this layer alone has so few levels.
        operations: synaptic operations per image of its spikes.
    """

    errors: tuple[float, ...]
    operations: tuple[float, ...]


def check_spike_budget(budget: float, coding: Coding, most: int) -> None:
    """Raise ``RheobaseError`` where ``budget`` is no average of T up to ``most``."""
    if coding != Coding.RADIX:
        raise RheobaseError(
            f"spike budget: {budget}, must be none in {coding.value} coding, where all layers "
            "have one T"
        )
    if not 1 <= budget <= most:
        raise RheobaseError(f"spike budget: {budget}, must be 1 .. {most} (T)")


def with_shared_out_steps(
    graph: Graph, batches: Sequence[Tensor], most: int, budget: float
) -> Graph:
    """``graph`` with T by layer, 1 to ``most``: as many operations as T = ``budget`` everywhere.

    Args:
        graph: prepared.
        batches: normalised images.
        budget: 1 to ``most``; between two whole numbers, so far between their operations.
    """
    images = spread_images(batches, IMAGES)
    measured = planes_by_group(graph, images, most)
    found = allocation(measured, budget_operations(measured.values(), budget))
    own = {name: steps for group, steps in found.items() for name in group if steps < most}
    return with_own_steps(graph, own)


def together(graph: Graph) -> list[tuple[str, ...]]:
    """Neuron operations that have one T: those that repeat others have that of what they repeat."""
    joined: dict[str, set[str]] = {}
    for operation in graph.neurons:
        if operation.arguments["readout"]:
            continue
        group = {operation.name}
        if operation.arguments["copy"]:
            for source in segment_of(graph, operation.inputs[0]).sources:
                group |= joined.get(source, set())
        for name in group:
            joined[name] = group
    return list(dict.fromkeys(tuple(sorted(group)) for group in joined.values()))


@torch.inference_mode()
def planes_by_group(graph: Graph, images: Tensor, most: int) -> dict[tuple[str, ...], Planes]:
    """What T = 1 .. ``most`` of each group of ``together`` comes to, all others being exact."""
    exact = run_graph(graph, images)
    places = {operation.name: place for place, operation in enumerate(graph.operations)}
    first = {group: min(places[name] for name in group) for group in together(graph)}
    found = {}
    # What is in front of a group is the same whatever its T, and run once for all groups.
    before = GraphProgress.begun(graph, images)
    for group, place in sorted(first.items(), key=lambda item: item[1]):
        before.run(place)
        found[group] = _planes(before, group, exact, most)
    return found


def _planes(
    before: GraphProgress, names: Sequence[str], exact: Mapping[str, Tensor], most: int
) -> Planes:
    """What T = 1 .. ``most`` of the layers ``names`` comes to, whose inputs are exact."""
    graph = before.graph
    costs = {name: operations_per_spike(graph, name) for name in names}
    errors, operations = [], []
    for steps in range(1, most + 1):
        spent = 0.0

        def at_neuron(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
            nonlocal spent
            result = run_operation(operation, current)
            if operation.name not in costs:
                return result
            numbers, unit = _numbers(operation, result, steps)  # noqa: B023
            bits = numbers.to(torch.int32)
            set_bits = sum(int(((bits >> place) & 1).sum()) for place in range(steps))  # noqa: B023
            spent += set_bits / len(result) * costs[operation.name]
            return numbers * unit

        rest = before.copy()
        rest.run(len(graph.operations), at_neuron)
        parts = [
            float(
                (rest.values[name] - value).square().mean() / value.square().mean().clamp(min=1e-12)
            )
            for name, value in exact.items()
        ]
        errors.append(sum(parts) / len(parts))
        operations.append(spent)
    return Planes(tuple(errors), tuple(operations))


def _numbers(operation: Operation, result: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """What neurons with the best thresholds fire for ``result``, and what one is worth."""
    given = operation.arguments
    levels = levels_of(is_signed(operation), Coding.RADIX, steps)
    if given["levels"] is None:
        threshold, _ = level_thresholds(channel_samples(result), levels)
        threshold = torch.where(threshold > 0, threshold, 1.0)
    else:
        threshold = torch.full_like(result[0].flatten(1)[:, 0], given["cap"])
    unit = per_channel(threshold, result.ndim) / levels.full
    return torch.floor(result / unit + 0.5).clamp_(levels.low, levels.high), unit


def operations_per_spike(graph: Graph, name: str) -> float:
    """Synaptic operations of a spike of neurons ``name``, on average over their map."""
    total = 0.0
    for operation in graph.operations:
        if operation.kind not in WEIGHTED_KINDS:
            continue
        sources = segment_of(graph, operation.name).sources
        if name in sources:
            synapses = operation.arguments["weight"].numel() * math.prod(operation.shape[1:])
            total += synapses / sum(math.prod(graph.by_name[source].shape) for source in sources)
    return total


def budget_operations(layers: Collection[Planes], budget: float) -> float:
    """Operations of all ``layers`` at T = ``budget``."""
    below = math.floor(budget)
    part = budget - below
    return sum(
        planes.operations[below - 1] * (1 - part)
        + (planes.operations[below] * part if part else 0.0)
        for planes in layers
    )


def allocation(layers: Mapping[_Layer, Planes], budget: float) -> dict[_Layer, int]:
    """T by layer, with at most ``budget`` operations.

    From T = 1, planes go where they take away the most error per operation.
    """
    steps = dict.fromkeys(layers, 1)
    left = budget - sum(planes.operations[0] for planes in layers.values())
    while True:
        best, gain = None, 0.0
        for name, planes in layers.items():
            now = steps[name]
            for more in range(now + 1, len(planes.errors) + 1):
                cost = planes.operations[more - 1] - planes.operations[now - 1]
                fewer = planes.errors[now - 1] - planes.errors[more - 1]
                if fewer > 0 and cost <= left and fewer > gain * max(cost, 1e-9):
                    best, gain = (name, more, cost), fewer / max(cost, 1e-9)
        if best is None:
            return steps
        name, steps[best[0]], cost = best
        left -= cost
