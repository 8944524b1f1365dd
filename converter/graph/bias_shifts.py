"""Shifts of biases as operations of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from .graph import Graph, Operation, OperationKind


def with_shifts(graph: Graph, shifts: Mapping[str, Tensor]) -> Graph:
    """Shifts as AFFINE operations in front of neurons, and of the pooling in front of them."""
    operations: list[Operation] = []
    reads: dict[tuple[str, str], str] = {}
    insert: dict[str, list[Operation]] = {}
    for name, shift in shifts.items():
        reader = graph.by_name[name]
        source = graph.by_name[reader.inputs[0]]
        while source.kind == OperationKind.MAX_POOL and len(graph.consumers[source.name]) == 1:
            reader, source = source, graph.by_name[source.inputs[0]]
        added = Operation(
            name=f"{name}.shift",
            kind=OperationKind.AFFINE,
            inputs=(source.name,),
            arguments={
                "scale": torch.ones_like(shift).reshape(-1, *[1] * (len(source.shape) - 1)),
                "shift": shift.reshape(-1, *[1] * (len(source.shape) - 1)),
            },
            shape=source.shape,
            label="calibrated shift",
        )
        insert.setdefault(source.name, []).append(added)
        reads[reader.name, source.name] = added.name
    for operation in graph.operations:
        inputs = tuple(reads.get((operation.name, n), n) for n in operation.inputs)
        operations.append(replace(operation, inputs=inputs))
        operations += insert.get(operation.name, [])
    return replace(graph, operations=tuple(operations))
