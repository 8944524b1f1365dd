"""Thresholds of neurons that only repeat: those of the spikes that they repeat."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .graph import Graph, Operation, OperationKind

#: Kinds whose channels are those of their input.
_SAME_CHANNELS = {
    OperationKind.MAX_POOL,
    OperationKind.AVERAGE_POOL,
    OperationKind.ADAPTIVE_AVERAGE_POOL,
}


def copied_threshold(
    graph: Graph, operation: Operation, thresholds: Mapping[str, Tensor]
) -> Tensor | None:
    """Thresholds (channels,) of a copy, from those of the neurons that it repeats.

    None where it is no copy, or repeats something that has no threshold of its own per channel,
    such as a sum.
    """
    if not operation.arguments["copy"]:
        return None
    return _of(graph, operation.inputs[0], thresholds)


def _of(graph: Graph, name: str, thresholds: Mapping[str, Tensor]) -> Tensor | None:
    operation = graph.by_name[name]
    if operation.kind == OperationKind.RELU:
        return thresholds[name]
    if operation.kind in _SAME_CHANNELS:
        return _of(graph, operation.inputs[0], thresholds)
    if operation.kind == OperationKind.CONCATENATE and operation.arguments["dimension"] == 0:
        found = (_of(graph, source, thresholds) for source in operation.inputs)
        parts = [part for part in found if part is not None]
        return torch.cat(parts) if len(parts) == len(operation.inputs) else None
    return None
