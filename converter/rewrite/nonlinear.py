"""Nonlinearities that cannot become neurons: those that have further weights behind them."""

from __future__ import annotations

from ..graph.float_roles import FloatRole
from ..graph.graph import WEIGHTED_KINDS, Graph, Operation, OperationKind
from ..graph.refusal import Refusal, refuse

_NEURONS = "ReLU, ReLU6, QCFS or a clamp from 0"
#: Roles of calls that the float SNN runs between neurons (docs/decisions/0021-telescoping.md).
_BETWEEN_NEURONS = {FloatRole.NORMALISATION, FloatRole.POOL, FloatRole.LINEAR}
#: Kinds through which a factor may go before it multiplies.
_CARRIES = {
    OperationKind.RESHAPE,
    OperationKind.SLICE,
    OperationKind.AFFINE,
    OperationKind.INTERPOLATE,
    OperationKind.CONCATENATE,
    OperationKind.MIX,
}


def check_convertible(graph: Graph) -> None:
    """Raise where a nonlinearity other than ReLU is followed by further weights.

    What scales a map by a factor that comes from elsewhere (a gate) and what normalises it may be.
    """
    followed = weighted_behind(graph)
    refuse(
        [
            Refusal(operation.name, operation.label, _NEURONS)
            for operation in graph.operations
            if operation.kind == OperationKind.FLOAT
            and operation.name in followed
            and not _is_between_neurons(graph, operation)
        ]
    )


def weighted_behind(graph: Graph) -> set[str]:
    """Operations that have weights behind them."""
    found: set[str] = set()
    for operation in reversed(graph.operations):
        weighted = operation.kind in WEIGHTED_KINDS
        weighted |= operation.kind == OperationKind.FLOAT and bool(operation.parameters)
        if weighted or operation.name in found:
            found.update(operation.inputs)
    return found


def _is_between_neurons(graph: Graph, operation: Operation) -> bool:
    role = operation.arguments["role"]
    if operation.arguments["activation"]:
        return False
    if role in _BETWEEN_NEURONS:
        return True
    if role in (FloatRole.GATE, FloatRole.ORDER):
        return _only_multiplies(graph, operation)
    return role == FloatRole.PRODUCT and not _multiplies_its_own(graph, operation)


def _only_multiplies(graph: Graph, operation: Operation) -> bool:
    """Whether all that is made of a result are factors of products."""
    for reader in graph.consumers[operation.name]:
        if reader.kind == OperationKind.FLOAT and reader.arguments["role"] == FloatRole.PRODUCT:
            continue
        carries = reader.kind in _CARRIES
        if not carries or not _only_multiplies(graph, reader):
            return False
    return True


def _multiplies_its_own(graph: Graph, product: Operation) -> bool:
    """Whether a factor is a function, element by element, of the other one: x sigmoid(x), x x."""
    if len(product.inputs) < 2:
        return True
    ways = [_elementwise_sources(graph, name) for name in product.inputs]
    return bool(ways[0] & ways[1])


def _elementwise_sources(graph: Graph, name: str) -> set[str]:
    """``name`` and what it is a function of, element by element."""
    found = {name}
    operation = graph.by_name[name]
    while len(operation.inputs) == 1 and _is_elementwise(graph, operation):
        operation = graph.by_name[operation.inputs[0]]
        found.add(operation.name)
    return found


def _is_elementwise(graph: Graph, operation: Operation) -> bool:
    if operation.kind == OperationKind.FLOAT:
        same = operation.shape == graph.by_name[operation.inputs[0]].shape
        return same and not operation.parameters
    kinds = (OperationKind.AFFINE, OperationKind.NORM, OperationKind.RELU)
    return operation.kind in kinds
