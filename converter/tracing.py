"""torch.fx trace of any model, in whatever style its forward is written, to a ``Graph``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..golden.errors import RheobaseError
from .graph import BatchSize, Graph, PerImage
from .graph_builder import GraphBuilder, Signal
from .qcfs import is_qcfs
from .recognition import recognised
from .refusal import refuse
from .rewrite import pruned

#: Two batch sizes: what differs between them depends on the number of images.
_BATCHES = (2, 3)
#: Largest relative difference between model and graph that rounding can explain.
_TOLERANCE = 1e-3
#: What a tensor is asked for besides its values.
_SHAPE_ONLY = {
    "size", "dim", "numel", "shape", "dtype", "device", "ndim", "ndimension", "nelement", "len",
    "is_floating_point", "get_device", "zeros_like", "ones_like", "full_like", "empty_like",
    "new_zeros", "new_ones", "new_full", "new_tensor", "new_empty",
}  # fmt: skip


def trace(model: nn.Module, input_shape: tuple[int, ...]) -> Graph:
    """Trace ``model`` for one image tensor of ``input_shape`` (without the batch).

    Neither the model nor its code is changed. The graph is run beside the model on random images
    before it is returned, so code whose trace is not what it does is noticed.

    Raises:
        RheobaseError: the model cannot be traced, does not take such an input, does not keep the
            images of a batch apart, or holds nonlinearities that cannot become neurons; all of
            these are named.
    """
    with _evaluating(model):
        module = _traced(model)
        records = tuple(_record(module, model, input_shape, batch) for batch in _BATCHES)
        graph = pruned(_built(module, records))
        _check_equal(graph, model)
    return graph


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients; every module's own mode comes back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


class _OneInput(nn.Module):
    """Calls the model with the image alone, so that its other parameters have their defaults."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Any:
        return self.model(image)


class _Tracer(fx.Tracer):
    """Takes clip-floor-shift activations whole."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        # Found before tracing, which replaces parameters by stand-ins.
        self._qcfs = {id(module) for module in model.modules() if is_qcfs(module)}

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        return id(module) in self._qcfs or super().is_leaf_module(module, path)


def _traced(model: nn.Module) -> fx.GraphModule:
    tracer = _Tracer(model)
    try:
        graph = tracer.trace(_OneInput(model))
    except Exception as error:  # tracing runs the user's code, which may raise anything
        raise RheobaseError(f"model cannot be traced by torch.fx: {first_line(error)}") from error
    return fx.GraphModule(tracer.root, graph)


class _Record(fx.Interpreter):
    """Runs the trace and notes shapes of signals and values of everything else.

    Attributes:
        signals: nodes that depend on what the image shows.
        found: shapes (as ``torch.Size``, nested as the result is) of signals, else values.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.signals: set[fx.Node] = set()
        self.found: dict[fx.Node, Any] = {}

    def run_node(self, node: fx.Node) -> Any:
        result = super().run_node(node)
        if node.op == "output":
            return result
        depends = node.op == "placeholder" or any(
            source in self.signals for source in node.all_input_nodes
        )
        if depends and _holds_tensor(result) and not _is_shape_only(node):
            self.signals.add(node)
            self.found[node] = _shapes(result)
        else:
            self.found[node] = result
        return result


def _is_shape_only(node: fx.Node) -> bool:
    name = getattr(node.target, "__name__", node.target)
    if name == "getattr":
        name = node.args[1]
    return name in _SHAPE_ONLY


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_tensor, value.values()))
    if isinstance(value, tuple | list):
        return any(map(_holds_tensor, value))
    return isinstance(value, Tensor)


def _shapes(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.shape
    if isinstance(value, dict):
        return {key: _shapes(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_shapes(entry) for entry in value]
    return None


def _example(model: nn.Module, shape: tuple[int, ...], batch: int) -> Tensor:
    """Random images of the model's type, on its device; always the same ones."""
    first = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(1))
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, *shape, generator=generator).to(first.device, first.dtype)


def _record(
    module: fx.GraphModule, model: nn.Module, shape: tuple[int, ...], batch: int
) -> _Record:
    record = _Record(module)
    try:
        record.run(_example(model, shape, batch))
    except Exception as error:  # the user's code
        size = " x ".join(map(str, shape))
        raise RheobaseError(
            f"model does not take images of {size} (channels x rows x columns): {first_line(error)}"
        ) from error
    return record


def first_line(error: Exception) -> str:
    """First line of what went wrong; torch.fx appends the whole graph after it."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(cause).__name__


def _built(module: fx.GraphModule, records: tuple[_Record, ...]) -> Graph:
    builder = GraphBuilder()
    modules = dict(module.named_modules())
    values: dict[fx.Node, Any] = {}
    first = records[0]
    for node in module.graph.nodes:
        if node.op == "output":
            outputs = _labelled(_resolved(node.args[0], values, records))
            refuse(builder.refusals)
            if not outputs:
                raise RheobaseError("model: its result does not depend on the image")
            return builder.finished(outputs)
        if node not in first.signals:
            continue
        shape = first.found[node]
        if node.op == "placeholder":
            values[node] = builder.start(tuple(shape[1:]))
            continue
        arguments = _resolved(node.args, values, records)
        keywords = _resolved(dict(node.kwargs), values, records)
        target = modules[node.target] if node.op == "call_module" else node.target
        call = builder.call(
            path=_path(node),
            target=target,
            arguments=arguments,
            keywords=keywords,
            shape=shape,
            keeps_batch=_keeps_batch([record.found[node] for record in records]),
        )
        values[node] = recognised(call)
        if call.in_place and node.all_input_nodes:
            _overwrite(values, arguments, values[node])
    raise AssertionError("a trace ends with its output")


def _overwrite(values: dict[fx.Node, Any], arguments: Any, result: Any) -> None:
    """An operation in place changed its first input for everything that comes later."""
    if not arguments or not isinstance(arguments[0], Signal):
        return
    for node, value in values.items():
        if isinstance(value, Signal) and value.name == arguments[0].name:
            values[node] = result


def _path(node: fx.Node) -> str:
    """Where a node stands in the model, ``model.`` of ``_OneInput`` taken off."""
    if node.op == "call_module":
        return str(node.target).removeprefix("model").removeprefix(".") or "model"
    stack = list(node.meta.get("nn_module_stack", {}).values())
    scope = str(stack[-1][0]).removeprefix("model").removeprefix(".") if stack else ""
    name = getattr(node.target, "__name__", str(node.target)).strip("_")
    return f"{scope}.{name}" if scope else name


def _resolved(argument: Any, values: dict[fx.Node, Any], records: tuple[_Record, ...]) -> Any:
    """``argument`` of a node with signals and constants in place of nodes."""

    def replaced(node: fx.Node) -> Any:
        if node in values:
            return values[node]
        return _constant([record.found[node] for record in records])

    return _mapped(argument, replaced)


def _mapped(argument: Any, replace_node: Any) -> Any:
    if isinstance(argument, fx.Node):
        return replace_node(argument)
    if isinstance(argument, dict):
        return {key: _mapped(entry, replace_node) for key, entry in argument.items()}
    if isinstance(argument, slice):
        parts = (argument.start, argument.stop, argument.step)
        return slice(*(_mapped(part, replace_node) for part in parts))
    if isinstance(argument, list):
        return [_mapped(entry, replace_node) for entry in argument]
    if isinstance(argument, tuple):
        return tuple(_mapped(entry, replace_node) for entry in argument)
    return argument


def _constant(found: list[Any]) -> Any:
    """One constant out of what it was for each batch size, the number of images left open."""
    one, other = found
    if isinstance(one, Tensor):
        one, other = one.detach(), other.detach()
        if one.shape == other.shape:
            return one
        return PerImage(one[:1])
    if isinstance(one, tuple | list):
        return tuple(_constant([a, b]) for a, b in zip(one, other, strict=True))
    if isinstance(one, int) and (one, other) == _BATCHES:
        return BatchSize()
    return one


def _keeps_batch(shapes: list[Any]) -> bool:
    """Whether every tensor of a result has the batch, and only it, in front."""
    one, other = shapes
    if isinstance(one, torch.Size):
        return len(one) > 0 and (one[0], other[0]) == _BATCHES and one[1:] == other[1:]
    if isinstance(one, dict):
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        return all(_keeps_batch([a, b]) for a, b in zip(one, other, strict=True))
    return True


def _labelled(result: Any, label: str = "") -> dict[str, str]:
    """Label to operation of every signal in the model's result."""
    if isinstance(result, Signal):
        return {label or "out": result.name}
    entries: Any = ()
    if isinstance(result, dict):
        entries = result.items()
    elif isinstance(result, tuple | list):
        entries = enumerate(result)
    labels: dict[str, str] = {}
    for key, entry in entries:
        labels.update(_labelled(entry, f"{label}.{key}" if label else str(key)))
    return labels


def _check_equal(graph: Graph, model: nn.Module) -> None:
    """Raise where the graph does not compute what the model does."""
    from .analog import analog_outputs

    example = _example(model, graph.input_shape, _BATCHES[0])
    found = analog_outputs(graph, example)
    expected = _tensors(model(example.clone()))
    for label, value in found.items():
        reference = expected[label]
        scale = float(reference.abs().max()) or 1.0
        worst = float((value - reference).abs().max()) / scale
        if not worst <= _TOLERANCE:
            raise RheobaseError(
                f"model: its trace computes another {label} than the model (largest difference "
                f"{worst:.2g} of the largest value), accepted is a forward without changes in "
                "place that reach other names, and without randomness"
            )


def _tensors(result: Any, label: str = "") -> dict[str, Tensor]:
    if isinstance(result, Tensor):
        return {label or "out": result}
    if isinstance(result, dict):
        entries: Any = result.items()
    else:
        entries = enumerate(result) if isinstance(result, tuple | list) else ()
    found: dict[str, Tensor] = {}
    for key, entry in entries:
        found.update(_tensors(entry, f"{label}.{key}" if label else str(key)))
    return found
