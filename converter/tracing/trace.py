"""torch.fx trace of any model, in whatever style its forward is written, to a ``Graph``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, fx, nn

from ...golden.errors import RheobaseError
from ..graph.graph import BatchSize, Graph, PerImage
from ..graph.graph_builder import GraphBuilder, Signal
from ..graph.refusal import refuse
from ..rewrite.rewrite import pruned
from .foreign import refuse_foreign
from .reached_parameters import ReachedParameters
from .recognition import recognised
from .valued_tracer import ValuedTracer, user_line
from .wrappers import unwrapped

#: Two batch sizes: what differs between them depends on the number of images.
_BATCHES = (2, 3)
#: Largest relative difference between model and graph that rounding can explain.
_TOLERANCE = 1e-3


def trace(model: nn.Module, input_shape: tuple[int, ...]) -> Graph:
    """Trace ``model`` for one image tensor of ``input_shape`` (without the batch).

    Neither the model nor its code is changed. The graph is run beside the model on random images
    before it is returned, so code whose trace is not what it does is noticed.

    Raises:
        RheobaseError: the model cannot be traced, does not take such an input, does not keep the
            images of a batch apart, or holds nonlinearities that cannot become neurons; all of
            these are named.
    """
    model = unwrapped(model)
    refuse_foreign(model)
    with _evaluating(model):
        one, other = (_traced(model, input_shape, batch) for batch in _BATCHES)
        graph = _with_unused(pruned(_built((one, other), model)))
        _check_equal(graph, model)
    return graph


def _with_unused(graph: Graph) -> Graph:
    """The graph, as it was traced, with the names of the parameters that no operation holds."""
    held = {name for operation in graph.operations for name in operation.parameters}
    return replace(graph, unused=tuple(name for name in graph.parameters if name not in held))


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


def _traced(model: nn.Module, shape: tuple[int, ...], batch: int) -> ValuedTracer:
    """The tracer of a whole trace, its ``graph`` among what it has."""
    tracer = ValuedTracer(model, _example(model, shape, batch))
    try:
        tracer.trace(_OneInput(model))
    except Exception as error:  # tracing runs the user's code, which may raise anything
        _check_takes(model, shape, batch)
        path = (tracer.failed or "").removeprefix("model").removeprefix(".")
        raise RheobaseError(
            f"model cannot be traced by torch.fx: {f'{path}: ' if path else ''}"
            f"{first_line(error)}{user_line(error)}"
        ) from error
    return tracer


def _check_takes(model: nn.Module, shape: tuple[int, ...], batch: int) -> None:
    """Raise where the model itself, untraced, fails on images of ``shape``."""
    try:
        model(_example(model, shape, batch))
    except Exception as error:  # the user's code
        size = " x ".join(map(str, shape))
        raise RheobaseError(
            f"model does not take images of {size} (channels x rows x columns): "
            f"{first_line(error)}{user_line(error)}"
        ) from error


def _example(model: nn.Module, shape: tuple[int, ...], batch: int, seed: int = 0) -> Tensor:
    """Random images of the model's type, on its device; always the same ones."""
    first = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(1))
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, *shape, generator=generator).to(first.device, first.dtype)


def first_line(error: Exception) -> str:
    """First line of what went wrong; torch.fx appends the whole graph after it."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(cause).__name__


def _built(traces: tuple[ValuedTracer, ValuedTracer], model: nn.Module) -> Graph:
    builder = GraphBuilder()
    first, second = traces
    parameters = ReachedParameters(model, first)
    modules = dict(first.root.named_modules())
    values: dict[fx.Node, Any] = {}
    merge = _Merge(traces, values)
    for node, other in zip_longest(first.graph.nodes, second.graph.nodes):
        merge.check_same(node, other)
        builder.reached = reached = parameters.of(node)
        if node.op != "output" and node not in first.signals:
            continue
        try:
            arguments = merge(node.args, other.args)
            keywords = merge(dict(node.kwargs), dict(other.kwargs))
        except _DependsOnBatch:
            raise _another_batch(node) from None
        if node.op == "output":
            outputs = _labelled(arguments[0])
            refuse(builder.refusals)
            if not outputs:
                raise RheobaseError("model: its result does not depend on the image")
            return builder.finished(outputs, parameters.sizes)
        shape = first.found[node]
        if node.op == "placeholder":
            values[node] = builder.start(tuple(shape[1:]))
            continue
        call = builder.call(
            path=_path(node),
            target=modules[node.target] if node.op == "call_module" else node.target,
            arguments=arguments,
            keywords=keywords,
            shape=shape,
            keeps_batch=_keeps_batch([shape, second.found[other]]),
        )
        values[node] = recognised(call)
        builder.hold(reached, values[node])
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
    if node.meta.get("place"):
        return str(node.meta["place"])
    if node.op == "call_module":
        return str(node.target).removeprefix("model").removeprefix(".") or "model"
    stack = list(node.meta.get("nn_module_stack", {}).values())
    scope = str(stack[-1][0]).removeprefix("model").removeprefix(".") if stack else ""
    name = getattr(node.target, "__name__", str(node.target)).strip("_")
    return f"{scope}.{name}" if scope else name


class _DependsOnBatch(Exception):  # noqa: N818 - becomes one RheobaseError with its place
    """A constant is another for another number of images."""


class _Merge:
    """One trace out of two that differ in nothing but the number of images.

    Called with an argument as it is in each, it gives signals and constants in place of nodes.
    """

    def __init__(
        self, traces: tuple[ValuedTracer, ValuedTracer], values: dict[fx.Node, Any]
    ) -> None:
        self._traces, self._values = traces, values
        self._places = tuple(
            {node: index for index, node in enumerate(trace.graph.nodes)} for trace in traces
        )

    def check_same(self, node: fx.Node | None, other: fx.Node | None) -> None:
        """Raise where the two traces part."""
        if (
            node is None
            or other is None
            or (node.op, str(node.target)) != (other.op, str(other.target))
        ):
            raise _another_batch(node or other)

    def __call__(self, one: Any, other: Any) -> Any:
        if isinstance(one, fx.Node) and isinstance(other, fx.Node):
            return self._node(one, other)
        if type(one) is not type(other):
            raise _DependsOnBatch
        if isinstance(one, slice):
            parts = ("start", "stop", "step")
            return slice(*(self(getattr(one, part), getattr(other, part)) for part in parts))
        if isinstance(one, dict):
            if one.keys() != other.keys():
                raise _DependsOnBatch
            return {key: self(one[key], other[key]) for key in one}
        if isinstance(one, tuple | list):
            if len(one) != len(other):
                raise _DependsOnBatch
            found = [self(*pair) for pair in zip(one, other, strict=True)]
            return found if isinstance(one, list) else tuple(found)
        return _constant(one, other)

    def _node(self, one: fx.Node, other: fx.Node) -> Any:
        if self._places[0][one] != self._places[1][other]:
            raise _DependsOnBatch
        if one in self._values:
            return self._values[one]
        return self(
            *(
                trace.found[node]
                if node in trace.found
                else attrgetter(str(node.target))(trace.root)  # a tensor that the code made
                for trace, node in zip(self._traces, (one, other), strict=True)
            )
        )


def _another_batch(node: fx.Node | None) -> RheobaseError:
    where = "its end" if node is None else _path(node)
    return RheobaseError(
        f"model: what it computes depends on the number of images or on chance (at {where}), "
        "must be a forward that treats each image alone"
    )


def _constant(one: Any, other: Any) -> Any:
    """One constant out of what it was for each batch size, the number of images left open.

    Raises:
        _DependsOnBatch: it is not that.
    """
    if isinstance(one, Tensor):
        one, other = one.detach(), other.detach()
        if one.shape == other.shape and torch.equal(one, other):
            return one
        batched = (len(one), len(other)) == _BATCHES if one.ndim and other.ndim else False
        if batched and all(torch.equal(row, one[0]) for row in (*one, *other)):
            return PerImage(one[:1])
        raise _DependsOnBatch
    if isinstance(one, int) and (one, other) == _BATCHES:
        return BatchSize()
    if one is not other and one != other:
        raise _DependsOnBatch
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
    """Raise where the graph does not compute what the model does, for several images or for one."""
    from ..graph.analog import analog_outputs

    # Other images than those that were traced: what was decided on their values shows.
    images = _example(model, graph.input_shape, _BATCHES[0], seed=1)
    for example in (images, images[:1]):
        found = analog_outputs(graph, example)
        try:
            expected = _tensors(model(example.clone()))
        except Exception:  # the user's code, which may want more than one image
            if len(example) == 1:
                continue
            raise
        for label, value in found.items():
            _check_close(label, value, expected[label])


def _check_close(label: str, value: Tensor, reference: Tensor) -> None:
    scale = float(reference.abs().max()) or 1.0
    same = value.numel() == reference.numel()  # an image alone may lose its dimension
    worst = float((value.reshape(reference.shape) - reference).abs().max()) / scale if same else 1.0
    if not worst <= _TOLERANCE:
        raise RheobaseError(
            f"model: its trace computes another {label} than the model (largest difference "
            f"{worst:.2g} of the largest value), must be a forward without changes in "
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
