"""What lies between one layer of neurons and those before it, run on whole spike trains.

Calibration goes through a network layer by layer: the trains of all earlier layers are there, so
the currents of a layer at all time steps are one batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .graph import LINEAR_KINDS, Graph, Operation, OperationKind
from .kernels import run_operation


@dataclass(frozen=True, eq=False)
class Segment:
    """Operations that turn spikes (or the image) into one current.

    Attributes:
        current: name of the operation whose result is the current.
        operations: in topological order, neurons and the image not among them.
        sources: neuron operations, and the image's operation, that are read.
        stepped: names of the operations that depend on neurons.
    """

    current: str
    operations: tuple[Operation, ...]
    sources: tuple[str, ...]
    stepped: frozenset[str]


def segment_of(graph: Graph, current: str) -> Segment:
    """The segment whose result is ``current``."""
    ends = (OperationKind.RELU, OperationKind.INPUT)
    needed, sources = {current}, dict[str, None]()
    for operation in reversed(graph.operations):
        if operation.name not in needed:
            continue
        if operation.kind in ends:
            sources[operation.name] = None
        else:
            needed.update(operation.inputs)
    operations = tuple(o for o in graph.operations if o.name in needed and o.kind not in ends)
    spiking = {name for name in sources if graph.by_name[name].kind == OperationKind.RELU}
    stepped: set[str] = set()
    for operation in operations:
        if (spiking | stepped).intersection(operation.inputs):
            stepped.add(operation.name)
    return Segment(current, operations, tuple(sources), frozenset(stepped))


def run_segment(segment: Segment, values: Mapping[str, Tensor], *, cumulative: bool) -> Tensor:
    """Currents at all steps: (steps, images, ...), one step where they depend on no neuron.

    Args:
        values: by source: (steps, images, ...) of neurons, (1, images, ...) of the image.
        cumulative: the rule of max pooling.
    """
    found = dict(values)
    for operation in segment.operations:
        inputs = [found[name] for name in operation.inputs]
        steps = max(len(value) for value in inputs)
        flat = [value.expand(steps, *value.shape[1:]).flatten(0, 1) for value in inputs]
        linear = operation.kind in LINEAR_KINDS or steps == 1
        if linear or (operation.kind == OperationKind.MAX_POOL and not cumulative):
            result = run_operation(operation, *flat).unflatten(0, (steps, -1))
        else:
            result = _telescoped(operation, [v.unflatten(0, (steps, -1)) for v in flat])
        found[operation.name] = result
    return found[segment.current]


def sees_image_alone(graph: Graph, operation: Operation) -> bool:
    """Whether no spike reaches a layer of neurons: its current is the same at every step."""
    sources = segment_of(graph, operation.inputs[0]).sources
    return all(graph.by_name[source].kind == OperationKind.INPUT for source in sources)


def _telescoped(operation: Operation, inputs: list[Tensor]) -> Tensor:
    """t f(Z(t) / t) less the same of the step before; see ``RateRun``."""
    steps = len(inputs[0])
    numbers = torch.arange(1, steps + 1, dtype=inputs[0].dtype, device=inputs[0].device)
    means = [
        (value.cumsum(dim=0) / numbers.reshape(-1, *[1] * (value.ndim - 1))).flatten(0, 1)
        for value in inputs
    ]
    result = run_operation(operation, *means).unflatten(0, (steps, -1))
    result = result * numbers.reshape(-1, *[1] * (result.ndim - 1))
    return torch.cat((result[:1], result[1:] - result[:-1]))
