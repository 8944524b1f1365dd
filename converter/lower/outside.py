"""What of a model does not spike, and why: by path, for the conversion's summary."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.network.network import Network
from ..graph.graph import Graph, Operation, OperationKind
from ..rewrite.arrangement import rearranged_outputs
from ..snn.snn import split


@dataclass(frozen=True)
class Weights:
    """A count of weights.

    Attributes:
        model: all that the model has.
        held: those that its result depends on, folded into others or not.
        unused: names of the parameters that the model's result does not depend on.
    """

    model: int
    held: int
    unused: tuple[str, ...]


def weights_of(graph: Graph) -> Weights:
    """What became of the model's parameters.

    An integer network holds all that its graph does (``plan_layers`` refuses to leave one out).
    """
    model = sum(graph.parameters.values())
    unused = sum(graph.parameters[name] for name in graph.unused)
    return Weights(model, model - unused, graph.unused)


def network_weights(network: Network) -> int:
    """Integers that the network's connections hold."""
    return sum(c.weight.size for layer in network.layers for c in layer.connections)


def outside(graph: Graph, *, lowered: bool = False) -> tuple[tuple[str, str], ...]:
    """(path, why) of everything that is left out, or that stays in floating point.

    Args:
        lowered: there is an integer network, whose outputs are in an order of their own.
    """
    parts = split(graph)
    constant = {operation.name for operation in parts.constant}
    stepped = {operation.name for operation in parts.stepped}
    found = list(graph.left_out)
    for operation in graph.operations:
        what = _what(operation)
        if not what:
            continue
        if operation.name in constant:
            where = "in front of the neurons: once, in floating point"
        elif operation.name in stepped:
            where = "between neurons: stays in floating point"
        else:
            where = "behind the last neurons: once, on what the network gives"
        found.append((operation.name, f"{what}, {where}"))
    if lowered:
        for label, arranged in rearranged_outputs(graph).items():
            many = "one output" if len(arranged.parts) == 1 else f"{len(arranged.parts)} outputs"
            why = f"the order of output {label!r}, gathered from {many} of the network"
            found.append((arranged.name, why))
    return tuple(found)


def _what(operation: Operation) -> str:
    if operation.kind == OperationKind.INTERPOLATE:
        return f"{operation.arguments['mode']} interpolation"
    return operation.label if operation.kind == OperationKind.FLOAT else ""
