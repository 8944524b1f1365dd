"""What may follow a network: the end of a model in front of which its scores are."""

from __future__ import annotations

from dataclasses import replace

from ..graph.float_roles import FloatRole
from ..graph.graph import Graph, Operation, OperationKind


def scores_of(graph: Graph, name: str) -> tuple[str, tuple[str, ...]]:
    """The last operation that a network can have in front of ``name``, and what follows it.

    Only what keeps the order of the scores and has no weights may follow: softmax and its like,
    interpolation to the image's size, and among them reshaping and positive factors.

    Returns:
        The operation whose result is the scores; the operations behind it, the last one first.
    """
    scores, behind, passed = name, [], []
    operation = graph.by_name[name]
    while len(operation.inputs) == 1:
        kept = _keeps_order(operation)
        if not kept and not _changes_nothing(operation):
            break
        passed.append(operation.name)
        if kept:
            scores = operation.inputs[0]
            behind, passed = behind + passed, []
        operation = graph.by_name[operation.inputs[0]]
    return scores, tuple(behind)


def _keeps_order(operation: Operation) -> bool:
    if operation.parameters:
        return False
    if operation.kind == OperationKind.INTERPOLATE:
        return True
    return operation.kind == OperationKind.FLOAT and operation.arguments["role"] in (
        FloatRole.ORDER,
        FloatRole.CHOICE,
    )


def _changes_nothing(operation: Operation) -> bool:
    """Whether it may stand between what keeps the order, though a network can have it, too."""
    if operation.kind == OperationKind.RESHAPE:
        return True
    if operation.kind != OperationKind.AFFINE or operation.parameters:
        return False
    scale, shift = (operation.arguments[key] for key in ("scale", "shift"))
    return scale.numel() == shift.numel() == 1 and bool(scale > 0)


def choices_left_out(graph: Graph) -> Graph:
    """The graph without ``argmax``, ``topk`` and their like at its outputs: scores are its result.

    An index has no order that a network could keep, and whatever measures the model compares what
    is in front of it.
    """
    outputs: dict[str, str] = {}
    left_out = dict(graph.left_out)
    for label, name in graph.outputs.items():
        outputs[label] = name
        operation = graph.by_name[name]
        while operation.kind == OperationKind.RESHAPE or _is_choice(operation):
            if _is_choice(operation):
                outputs[label] = operation.inputs[0]
                why = f"{operation.label}, the choice among the scores, which are the result here"
                left_out[operation.name] = why
            operation = graph.by_name[operation.inputs[0]]
    return replace(graph, outputs=outputs, left_out=tuple(left_out.items()))


def _is_choice(operation: Operation) -> bool:
    return operation.kind == OperationKind.FLOAT and operation.arguments["role"] == FloatRole.CHOICE
