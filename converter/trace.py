"""torch.fx trace of a model to a chain of operations, whatever style its forward is written in."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from ..golden.errors import RheobaseError
from .refusal import Refusal, refuse

#: Operations that a chain may hold.
CONVOLUTION, LINEAR, NORM, RELU, POOL, FLATTEN, SOFTMAX = (
    "convolution", "linear", "batch norm", "relu", "max pool", "flatten", "softmax",
)  # fmt: skip
_ACCEPTED = "Conv2d, Linear, BatchNorm, ReLU, MaxPool2d, Flatten, Dropout, Identity"
_RELU = (nn.ReLU, functional.relu, torch.relu, torch.relu_, functional.relu_, "relu", "relu_")
_POOL = (nn.MaxPool2d, functional.max_pool2d, torch.max_pool2d)
_FLATTEN = (nn.Flatten, torch.flatten, "flatten", "view", "reshape", torch.reshape)
_SOFTMAX = (
    nn.Softmax, nn.LogSoftmax, functional.softmax, functional.log_softmax, torch.softmax,
    torch.log_softmax, "softmax", "log_softmax",
)  # fmt: skip
_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, functional.batch_norm)
_LINEAR = (nn.Linear, functional.linear)
_CONVOLUTION = (nn.Conv2d, functional.conv2d, torch.conv2d)
_PASS = (
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, functional.dropout, functional.dropout2d,
    "contiguous",
)  # fmt: skip
#: Only the sizes of a tensor, not its values.
_SIZES = ("size", getattr, operator.getitem, "dim")


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of the chain.

    Attributes:
        path: where it stands in the model (module path, or the name in the graph).
        kind: one of the constants above.
        arguments: what the operation was called with, tensors resolved; see ``_arguments``.
        input_shape, output_shape: without the batch.
    """

    path: str
    kind: str
    arguments: dict[str, Any]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]


def trace_chain(model: nn.Module, input_shape: tuple[int, int, int]) -> list[Operation]:
    """Trace ``model`` for an input of ``input_shape`` (channels, rows, columns).

    The model's own code is not changed, and neither is the model.

    Raises:
        RheobaseError: it cannot be traced, does not take such an input, or holds operations other
            than a chain of those listed above; all of them are named.
    """
    was_training = model.training
    model.eval()
    try:
        graph = _traced(model)
        _propagate_shapes(graph, model, input_shape)
        return _chain(graph)
    finally:
        model.train(was_training)


def _traced(model: nn.Module) -> fx.GraphModule:
    try:
        return fx.symbolic_trace(model)
    except Exception as error:  # tracing runs the user's code, which may raise anything
        raise RheobaseError(f"model cannot be traced by torch.fx: {_line(error)}") from error


def _propagate_shapes(graph: fx.GraphModule, model: nn.Module, shape: tuple[int, ...]) -> None:
    first = next(model.parameters(), torch.zeros(1))
    # Two images, so that a dimension of the batch is told from one of size 1.
    example = torch.zeros(2, *shape, dtype=first.dtype, device=first.device)
    try:
        with torch.no_grad():
            ShapeProp(graph).propagate(example)
    except Exception as error:
        size = " x ".join(map(str, shape))
        raise RheobaseError(
            f"model does not take images of {size} (channels x rows x columns): {_line(error)}"
        ) from error


def _line(error: Exception) -> str:
    """First line of what went wrong; torch.fx appends the whole graph after it."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(cause).__name__


def _chain(graph: fx.GraphModule) -> list[Operation]:
    refusals: list[Refusal] = []
    operations: list[Operation] = []
    modules = dict(graph.named_modules())
    current: fx.Node | None = None
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            if current is not None:
                refusals.append(Refusal(node.name, "second input", "one image tensor"))
            current = current or node
            continue
        if node.op in ("get_attr", "output"):
            continue
        kind, target = _kind(node, modules)
        if _is_size(node, kind, target):
            continue
        path = str(node.target) if node.op == "call_module" else node.name
        if kind is None:
            refusals.append(Refusal(path, _label(node, modules), _ACCEPTED))
            current = node
            continue
        source = node.args[0] if node.args else node.kwargs.get("input")
        if source is not current:
            refusals.append(
                Refusal(path, f"{_label(node, modules)} on a branch", "a chain without branches")
            )
        if kind != "pass":
            operations.append(
                Operation(
                    path=path,
                    kind=kind,
                    arguments=_arguments(node, kind, modules, graph),
                    input_shape=_shape(source),
                    output_shape=_shape(node),
                )
            )
        current = node
    refuse(refusals)
    return operations


def _kind(node: fx.Node, modules: dict[str, nn.Module]) -> tuple[str | None, Any]:
    """Which operation a node is, and what it calls."""
    if node.op == "call_module":
        module = modules[node.target]
        target: Any = type(module)
    else:
        module, target = None, node.target
    table = (
        (CONVOLUTION, _CONVOLUTION), (LINEAR, _LINEAR), (NORM, _NORM), (RELU, _RELU),
        (POOL, _POOL), (FLATTEN, _FLATTEN), (SOFTMAX, _SOFTMAX), ("pass", _PASS),
    )  # fmt: skip
    for kind, targets in table:
        if module is not None:
            if any(isinstance(entry, type) and isinstance(module, entry) for entry in targets):
                return kind, target
        elif any(entry is target or entry == target for entry in targets):
            return kind, target
    # max_pool2d is a boolean dispatch, of which torch.fx records one of the two branches.
    if getattr(target, "__name__", "") in ("_max_pool2d", "boolean_dispatch", "max_pool2d"):
        return POOL, target
    return None, target


def _is_size(node: fx.Node, kind: str | None, target: Any) -> bool:
    if kind is not None or not any(target is entry or target == entry for entry in _SIZES):
        return False
    return not isinstance(node.meta.get("tensor_meta"), fx.passes.shape_prop.TensorMetadata)


def _label(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    if node.op == "call_module":
        return type(modules[node.target]).__name__
    return getattr(node.target, "__name__", str(node.target))


def _shape(node: Any) -> tuple[int, ...]:
    meta = node.meta.get("tensor_meta") if isinstance(node, fx.Node) else None
    return tuple(meta.shape[1:]) if hasattr(meta, "shape") else ()


def _arguments(
    node: fx.Node, kind: str, modules: dict[str, nn.Module], graph: fx.GraphModule
) -> dict[str, Any]:
    """Parameters of an operation by name, the same for module and function."""
    names = {
        CONVOLUTION: ("weight", "bias", "stride", "padding", "dilation", "groups"),
        LINEAR: ("weight", "bias"),
        NORM: ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
        POOL: ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    }.get(kind, ())
    if node.op == "call_module":
        module = modules[node.target]
        found = {name: getattr(module, name) for name in names if hasattr(module, name)}
        found["padding_mode"] = getattr(module, "padding_mode", "zeros")
        return found
    defaults = {
        "bias": None, "stride": 1 if kind == CONVOLUTION else None, "padding": 0, "dilation": 1,
        "groups": 1, "ceil_mode": False, "return_indices": False, "eps": 1e-5, "weight": None,
    }  # fmt: skip
    positional = dict(zip(names, node.args[1:], strict=False))
    given = {**positional, **{key: node.kwargs[key] for key in names if key in node.kwargs}}
    found = {name: given.get(name, defaults.get(name)) for name in names}
    resolved = {name: _resolved(value, graph) for name, value in found.items()}
    return {**resolved, "padding_mode": "zeros"}


def _resolved(value: Any, graph: fx.GraphModule) -> Any:
    """A parameter that the forward reads itself, as its tensor."""
    if isinstance(value, fx.Node) and value.op == "get_attr":
        found: Any = graph
        for part in str(value.target).split("."):
            found = getattr(found, part)
        return found.detach() if isinstance(found, Tensor) else found
    return value
