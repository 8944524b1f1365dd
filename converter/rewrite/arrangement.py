"""Outputs that a model only puts in another order, or together, behind its last operations.

A detection head permutes each map of scores to (anchors, classes) and concatenates those of all
maps. No network has one map for that, so each of these maps is an output of its own, and the
elements are gathered from what the network gives (docs/decisions/0135-rearranged-outputs.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ..graph.graph import Graph, Operation, OperationKind
from ..graph.kernels import run_operation
from ..graph.movements import element_numbers, keeps_order
from .tails import scores_of


@dataclass(frozen=True, eq=False)
class Arrangement:
    """How a result follows from ``parts`` by moving elements alone.

    Attributes:
        name: of the operation whose result it is.
        parts: operations that do more than move, each once.
        index: for every element of the result its place in the parts, flattened and one after the
            other; None where that is their order, and they are maps of one size.
        moves: names of the operations behind the parts.
    """

    name: str
    parts: tuple[str, ...]
    index: np.ndarray | None
    moves: tuple[str, ...]

    @property
    def read(self) -> tuple[str, ...]:
        """Operations that the network has an output for: one map, or the parts."""
        return (self.name,) if self.index is None else self.parts


def arrangement_of(graph: Graph, name: str) -> Arrangement:
    """The arrangement whose result is that of the operation ``name``."""
    parts, moves = _walked(graph, name)
    if not moves:
        return Arrangement(name, parts, None, moves)
    shapes = [graph.by_name[part].shape for part in parts]
    values: dict[str, Tensor] = {}
    elements = 0
    for part, shape in zip(parts, shapes, strict=True):
        values[part] = element_numbers(shape) + elements
        elements += math.prod(shape)
    for move in moves:
        operation = graph.by_name[move]
        values[move] = run_operation(operation, *(values[source] for source in operation.inputs))
    moved = values[moves[-1]]
    sizes = {(*shape[1:], 1, 1)[:2] for shape in shapes}
    if len(sizes) == 1 and moved.numel() == elements and keeps_order(moved):
        return Arrangement(name, parts, None, moves)
    return Arrangement(name, parts, moved.flatten().long().numpy(), moves)


def rearranged_outputs(graph: Graph) -> dict[str, Arrangement]:
    """By label, the outputs whose scores are gathered from the network's."""
    found = {}
    for label, name in graph.outputs.items():
        arranged = arrangement_of(graph, scores_of(graph, name)[0])
        if arranged.index is not None:
            found[label] = arranged
    return found


def with_read_outputs(graph: Graph) -> Graph:
    """The graph whose outputs are the network's own: what stays outside follows from them."""
    read: dict[str, None] = {}
    for name in graph.outputs.values():
        read.update(dict.fromkeys(arrangement_of(graph, scores_of(graph, name)[0]).read))
    return replace(graph, outputs={name: name for name in read})


def _walked(graph: Graph, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parts in the order in which they are read, and moves in topological order."""
    parts: dict[str, None] = {}
    moves: dict[str, None] = {}

    def walk(name: str) -> None:
        if name in moves:
            return
        operation = graph.by_name[name]
        if not _only_moves(graph, operation):
            parts[name] = None
            return
        for source in operation.inputs:
            walk(source)
        moves[name] = None

    walk(name)
    return tuple(parts), tuple(moves)


def _only_moves(graph: Graph, operation: Operation) -> bool:
    """Whether it moves elements and nothing more.

    A slice of a map is none of these, as a network can leave out what it drops.
    """
    if operation.kind != OperationKind.SLICE:
        return operation.kind in (OperationKind.RESHAPE, OperationKind.CONCATENATE)
    source = graph.by_name[operation.inputs[0]]
    if source.kind == OperationKind.CONCATENATE:
        return arrangement_of(graph, source.name).index is not None
    return _only_moves(graph, source)
