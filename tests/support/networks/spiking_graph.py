"""A graph with spiking neurons in place of ReLU, operation by operation, in torch and float64."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from rheobase.converter.graph.graph import Graph, OperationKind
from rheobase.converter.graph.kernels import run_operation


def clipped(graph: Graph, images: Tensor, thresholds: dict[str, Tensor]) -> dict[str, Tensor]:
    """Outputs by label with every activation limited to its threshold."""

    def limit(name: str, value: Tensor) -> Tensor:
        level, slope = _level(thresholds[name], value), graph.by_name[name].arguments["slope"]
        below = 0 if slope is None else torch.maximum(_level(slope, value) * value, -level)
        return torch.where(value > 0, torch.minimum(value, level), below)

    return _run(graph, images, limit)


def radix(
    graph: Graph,
    images: Tensor,
    thresholds: dict[str, Tensor],
    steps: int,
    own: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Tensor]:
    """clip(floor(v / theta + 1/2), 0, 2**T - 1) in units of theta = threshold / (2**T - 1).

    T is what ``own`` has for the neurons, else ``steps``.

    Signed neurons round to two's complement, in units of threshold / 2**(T - 1) above zero and of
    that over the slope below.
    """

    def fire(name: str, value: Tensor) -> Tensor:
        half = 2 ** (own.get(name, steps) - 1)
        top = 2 * half - 1
        slope = graph.by_name[name].arguments["slope"]
        if slope is not None:
            unit = _level(thresholds[name], value) / half
            above = torch.clamp(torch.floor(value / unit + 0.5), 0, half - 1)
            below = torch.clamp(torch.floor(_level(slope, value) * value / unit + 0.5), -half, 0)
            return (above + below) * unit
        unit = _level(thresholds[name], value) / top
        return torch.clamp(torch.floor(value / unit + 0.5), 0, top) * unit

    return _run(graph, images, fire)


def rate(
    graph: Graph,
    images: Tensor,
    thresholds: dict[str, Tensor],
    steps: int,
    bias_shift: dict[str, Tensor] | None = None,
    initial: float = 0.5,
) -> dict[str, Tensor]:
    """Mean over T steps of the outputs: accumulate, compare, subtract; cumulative max pooling."""
    potentials: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    summed: dict[str, Tensor] = {}
    totals: dict[str, Tensor] = {}

    def fire(name: str, value: Tensor) -> Tensor:
        level = _level(thresholds[name], value)
        if bias_shift is not None:
            value = value + _level(bias_shift[name], value)
        potential = potentials.get(name, initial * level) + value
        slope = graph.by_name[name].arguments["slope"]
        if slope is not None:
            return signed_spikes(name, potential, level, level / _level(slope, value)) * level
        spikes = (potential >= level) * level
        potentials[name] = potential - spikes
        return spikes

    def signed_spikes(name: str, potential: Tensor, level: Tensor, other: Tensor) -> Tensor:
        """+1, 0 or -1: what a spike takes depends on the sign of the sum of those so far."""
        fired = counts.get(name, torch.zeros_like(potential))
        silent_from = (level - other) / 2
        up = torch.where(fired < 0, potential >= other + silent_from, potential >= level)
        down = torch.where(fired > 0, potential < 0, potential < silent_from)
        taken = up * torch.where(fired < 0, other, level)
        taken = taken - down * torch.where(fired > 0, level, other)
        spikes = up.to(potential) - down.to(potential)
        potentials[name], counts[name] = potential - taken, fired + spikes
        return spikes

    def maximum(operation, value: Tensor) -> Tensor:
        before = summed.get(operation.name)
        summed[operation.name] = value if before is None else before + value
        pooled = run_operation(operation, summed[operation.name])
        return pooled if before is None else pooled - run_operation(operation, before)

    for _ in range(steps):
        for label, value in _run(graph, images, fire, maximum).items():
            totals[label] = totals.get(label, 0) + value
    return {label: total / steps for label, total in totals.items()}


def activations(graph: Graph, images: Tensor) -> dict[str, Tensor]:
    """What every ReLU of the model itself gives."""
    found: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> Tensor:
        given = graph.by_name[name].arguments
        below = 0 if given["slope"] is None else _level(given["slope"], value) * value
        found[name] = torch.where(value > 0, value.clamp(0, given["cap"]), below)
        return found[name]

    _run(graph, images, keep)
    return found


def _run(graph: Graph, images: Tensor, neuron, maximum=None) -> dict[str, Tensor]:
    values: dict[str, Tensor] = {}
    with torch.no_grad():
        for operation in graph.operations:
            inputs = [values[name] for name in operation.inputs]
            if operation.kind == OperationKind.INPUT:
                values[operation.name] = images
            elif operation.kind == OperationKind.RELU:
                values[operation.name] = neuron(operation.name, inputs[0])
            elif operation.kind == OperationKind.MAX_POOL and maximum is not None:
                values[operation.name] = maximum(operation, inputs[0])
            else:
                values[operation.name] = run_operation(operation, *inputs)
    return {label: values[name] for label, name in graph.outputs.items()}


def _level(level: Tensor, value: Tensor) -> Tensor:
    """One per channel, against (images, channels, ...)."""
    return level.to(value.dtype).reshape(1, -1, *[1] * (value.ndim - 2))
