"""Where neurons that fire signed may stand: behind what is linear and has weights behind it.

Between two layers of neurons everything is multiplied out into one kernel for each source. Where
two kernels follow each other (a bottleneck), or a sum goes to many layers (a stream of residuals),
that may take many more weights than the model has; signed neurons in between take none. The other
way round, signed neurons with a slope (LeakyReLU) are two layers of ReLU as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..graph.graph import (
    WEIGHTED_KINDS,
    Graph,
    Operation,
    OperationKind,
    neuron_arguments,
    per_channel,
)
from ..graph.levels import is_signed
from ..rewrite.rewrite import reading

#: Label of the neurons that ``with_signed`` puts in.
LABEL = "linear layer"
#: What is added to an operation's name.
_CENTRED, _NEURONS, _ABOVE = "centred", "signed", "above"
#: Where signed neurons may stand; a max pooling needs neurons behind it.
_POINTS = {*WEIGHTED_KINDS, OperationKind.ADD, OperationKind.MAX_POOL}
#: So many readers of a kernel's result are a reason for neurons of its own, as in a DenseNet.
_MANY = 3


def linear_points(graph: Graph) -> tuple[str, ...]:
    """Operations behind which signed neurons may take the place of a product of kernels.

    Args:
        graph: prepared.
    """
    return tuple(o.name for o in graph.operations if _is_point(graph, o))


def _is_point(graph: Graph, operation: Operation) -> bool:
    if operation.kind not in _POINTS:
        return False
    ends = _ends(graph, operation.name)
    kinds = [end.kind for end in ends.values()]
    if operation.kind == OperationKind.MAX_POOL:
        return any(kind != OperationKind.RELU for kind in kinds)
    if not _holds_kernel(graph, operation):
        return False
    if not WEIGHTED_KINDS.isdisjoint(kinds):
        return True
    summed = OperationKind.ADD in (operation.kind, *kinds)
    return len(ends) >= _MANY or (len(ends) > 1 and summed)


def _holds_kernel(graph: Graph, operation: Operation) -> bool:
    """Whether weights, with no neurons behind them, make its result."""
    waiting = [operation]
    while waiting:
        here = waiting.pop()
        if here.kind in WEIGHTED_KINDS:
            return True
        if here.kind != OperationKind.RELU:
            waiting += (graph.by_name[name] for name in here.inputs)
    return False


def _ends(graph: Graph, name: str) -> dict[str, Operation]:
    """Where a result arrives, by name, behind operations that only move or scale it."""
    found: dict[str, Operation] = {}
    waiting = [name]
    while waiting:
        for reader in graph.consumers[waiting.pop()]:
            if reader.kind in _POINTS or reader.kind == OperationKind.RELU:
                found[reader.name] = reader
            else:
                waiting.append(reader.name)
    return found


def may_be_centred(graph: Graph, name: str) -> bool:
    """Whether a constant behind ``name`` is one bias for each reader: none of them is padded."""
    waiting = [name]
    while waiting:
        for reader in graph.consumers[waiting.pop()]:
            padded = reader.kind == OperationKind.CONVOLUTION and any(reader.arguments["padding"])
            if padded or reader.kind in (OperationKind.PAD, OperationKind.AVERAGE_POOL):
                return False
            if reader.kind not in WEIGHTED_KINDS and reader.kind != OperationKind.RELU:
                waiting.append(reader.name)
    return True


def with_signed(graph: Graph, centres: Mapping[str, Tensor | None]) -> Graph:
    """``graph`` with neurons that fire signed behind some operations.

    Everything reads the neurons; an output stays what it is.

    Args:
        centres: by operation (channels,): what is taken away in front of the neurons and added
            again behind them, so that their levels lie around it; None for zero.
    """
    renamed: dict[str, str] = {}
    operations: list[Operation] = []
    for operation in graph.operations:
        operations.append(reading(operation, renamed))
        if operation.name in centres:
            added = _signed_neurons(operation, centres[operation.name])
            operations += added
            renamed[operation.name] = added[-1].name
    return replace(graph, operations=tuple(operations))


def _signed_neurons(operation: Operation, centre: Tensor | None) -> list[Operation]:
    """Neurons behind ``operation``, a constant on either side."""
    name, shape = operation.name, operation.shape

    def added(kind: OperationKind, what: str, source: str, arguments: dict) -> Operation:
        return Operation(f"{name}:{what}", kind, (source,), arguments, shape, LABEL)

    arguments = neuron_arguments(slope=torch.ones(shape[:1]))
    if centre is None:
        return [added(OperationKind.RELU, _NEURONS, name, arguments)]
    shift = per_channel(centre, len(shape) + 1)
    less, more = ({"scale": torch.ones(()), "shift": value} for value in (-shift, shift))
    return [
        added(OperationKind.AFFINE, _CENTRED, name, less),
        added(OperationKind.RELU, _NEURONS, f"{name}:{_CENTRED}", arguments),
        added(OperationKind.AFFINE, "restored", f"{name}:{_NEURONS}", more),
    ]


def linear_point(layer: str) -> str | None:
    """The operation behind which ``with_signed`` put the neurons ``layer``; None of others."""
    name = layer.removesuffix(f":{_NEURONS}")
    return None if name == layer else name


def signed_points(graph: Graph) -> dict[str, Tensor | None]:
    """What ``with_signed`` was called with, from what it gave."""
    found: dict[str, Tensor | None] = {}
    for operation in graph.neurons:
        name = linear_point(operation.name)
        if operation.label == LABEL and name is not None:
            centred = graph.by_name.get(f"{name}:{_CENTRED}")
            found[name] = None if centred is None else -centred.arguments["shift"].flatten()
    return found


def can_split(graph: Graph, operation: Operation) -> bool:
    """Whether ``operation`` is a slope of the model that two layers of neurons can take."""
    if operation.kind != OperationKind.RELU or operation.label == LABEL or not is_signed(operation):
        return False
    # The largest of several currents is not the least of their opposites.
    pooled = graph.by_name[operation.inputs[0]].kind == OperationKind.MAX_POOL
    return not pooled and not operation.arguments["copy"]


def with_split(graph: Graph, names: Collection[str]) -> Graph:
    """``graph`` with max(x, 0) - slope max(-x, 0) in place of signed neurons with a slope.

    Args:
        names: of the neurons, each as ``can_split`` says.
    """
    operations: list[Operation] = []
    for operation in graph.operations:
        if operation.name in names:
            operations += _two_layers(operation)
        else:
            operations.append(operation)
    return replace(graph, operations=tuple(operations))


def _two_layers(operation: Operation) -> list[Operation]:
    name, shape, held = operation.name, operation.shape, operation.parameters
    slope = per_channel(operation.arguments["slope"], len(shape) + 1)

    def part(what: str, kind: OperationKind, source: str, arguments: dict) -> Operation:
        return Operation(f"{name}:{what}", kind, (source,), arguments, shape, operation.label, held)

    def scaled(by: Tensor) -> dict:
        return {"scale": by, "shift": torch.zeros(())}

    (source,) = operation.inputs
    above = part(_ABOVE, OperationKind.RELU, source, neuron_arguments())
    negated = part("negated", OperationKind.AFFINE, source, scaled(-torch.ones(())))
    below = part("below", OperationKind.RELU, negated.name, neuron_arguments())
    sloped = part("slopes", OperationKind.AFFINE, below.name, scaled(-slope))
    joined = replace(
        operation,
        kind=OperationKind.ADD,
        inputs=(above.name, sloped.name),
        arguments={"scales": (1.0, 1.0)},
    )
    return [above, negated, below, sloped, joined]


def with_split_like(graph: Graph, layers: Iterable[str]) -> Graph:
    """``graph`` with the slopes split that are split in a network with neurons ``layers``."""
    above = {name.removesuffix(f":{_ABOVE}") for name in layers if name.endswith(f":{_ABOVE}")}
    return with_split(graph, {o.name for o in graph.neurons if can_split(graph, o)} & above)
