"""Chains of reshaping and permuting, as the one thing that each of them does."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..graph.graph import Graph, Operation, OperationKind
from ..graph.kernels import run_operation
from ..graph.movements import (
    element_numbers,
    gathered_channels,
    gathering_matrix,
    keeps_order,
    picking_convolution,
)


def moves_folded(graph: Graph) -> Graph:
    """Every chain of RESHAPE as a reshaping, an order of channels, or a change of weights.

    A channel shuffle is a view, a transposition and a view: together they only reorder channels.
    What a linear layer sees in another order (``permute(0, 2, 3, 1)`` and ``flatten``) is an order
    of its weights. What is none of that stays as it is.
    """
    for operation in graph.operations:
        last = graph.by_name.get(operation.name)
        if last is None or last.kind != OperationKind.RESHAPE or _continues(graph, last):
            continue
        chain = _chain(graph, last)
        source = graph.by_name[chain[0].inputs[0]]
        moved = element_numbers(source.shape)
        for step in chain:
            moved = run_operation(step, moved)
        graph = _folded(graph, source, chain, moved)
    return graph


def _continues(graph: Graph, operation: Operation) -> bool:
    """Whether a RESHAPE alone reads this one."""
    readers = graph.consumers[operation.name]
    return graph.is_read_once(operation.name) and readers[0].kind == OperationKind.RESHAPE


def _chain(graph: Graph, last: Operation) -> list[Operation]:
    found = [last]
    while True:
        before = graph.by_name[found[0].inputs[0]]
        if before.kind != OperationKind.RESHAPE or not graph.is_read_once(before.name):
            return found
        found.insert(0, before)


def _folded(graph: Graph, source: Operation, chain: list[Operation], moved: Tensor) -> Graph:
    last = chain[-1]
    if keeps_order(moved):
        plain = replace(last, inputs=(source.name,), arguments={"permutation": None})
        return _replaced(graph, chain, plain)
    channels = gathered_channels(moved, source.shape)
    if channels is not None:
        arguments = {"matrix": gathering_matrix(channels, source.shape[0])}
        mix = replace(last, kind=OperationKind.MIX, inputs=(source.name,), arguments=arguments)
        return _replaced(graph, chain, mix)
    arguments = picking_convolution(moved, source.shape)
    if arguments is not None:
        kind = OperationKind.CONVOLUTION
        picked = replace(last, kind=kind, inputs=(source.name,), arguments=arguments)
        return _replaced(graph, chain, picked)
    readers = graph.consumers[last.name]
    weighed = all(reader.kind == OperationKind.LINEAR for reader in readers)
    if len(last.shape) == 1 and readers and weighed and last.name not in graph.outputs.values():
        order = moved.flatten().long().argsort()
        plain = replace(last, inputs=(source.name,), arguments={"permutation": None})
        graph = _replaced(graph, chain, plain)
        for reader in readers:
            weight = reader.arguments["weight"]
            arguments = {**reader.arguments, "weight": weight[:, order.to(weight.device)]}
            graph = _replaced(graph, [reader], replace(reader, arguments=arguments))
    return graph


def _replaced(graph: Graph, chain: list[Operation], operation: Operation) -> Graph:
    """``operation`` in the place of the last of ``chain``, whose name it has; the others go."""
    gone = {step.name for step in chain[:-1]}
    operations = tuple(
        operation if entry.name == operation.name else entry
        for entry in graph.operations
        if entry.name not in gone
    )
    return replace(graph, operations=operations)
