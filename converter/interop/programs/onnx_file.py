"""An ONNX file as a model."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ....golden.errors import RheobaseError, file_error, shortened, shown
from ...tracing.program import Program, Step, call_place
from .onnx_calls import CALLS
from .onnx_node import Node

if TYPE_CHECKING:
    import onnx

#: Bytes of a file, at most: what its format can hold.
_MAX_BYTES = 2**31
#: What torch's exporter says of a node.
_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"


def load_onnx(path: Path) -> Program:
    """The model in ``path``, with weights that lie in files beside it.

    Raises:
        RheobaseError: the file cannot be read, is no ONNX model, has not one input of images, or
            operators that have no form here (all of them are named); a ``MachineError`` where
            ``onnx`` is absent.
    """
    model = _read(path)
    try:
        return _program(path, model)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        # Names that are no text, attributes of another type than their operator has.
        raise RheobaseError(f"{path}: no ONNX file, or a damaged one") from error


def _program(path: Path, model: onnx.ModelProto) -> Program:
    graph = model.graph
    values = {one.name: _tensor(path, one) for one in graph.initializer}
    if graph.sparse_initializer:
        raise RheobaseError(f"{path}: sparse weights, must be dense")
    inputs = [one for one in graph.input if one.name not in values]
    if len(inputs) != 1:
        names = ", ".join(shown(one.name) for one in inputs) or "none"
        raise RheobaseError(f"{path}: inputs {names}, must be one, of images")
    if not graph.output:
        raise RheobaseError(f"{path}: no outputs, must be a model")
    sizes = inputs[0].type.tensor_type.shape.dim
    batch = sizes[0].dim_value or None if len(sizes) else None
    weights = {n: v for n, v in values.items() if v.is_floating_point() and v.ndim}
    return Program(
        steps=_steps(path, model, batch),
        weights=weights,
        constants={"": None, **{n: v for n, v in values.items() if n not in weights}},
        image=inputs[0].name,
        outputs=[one.name for one in graph.output],
    )


def _read(path: Path) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RheobaseError(f"{path}: larger than {_MAX_BYTES} bytes, no ONNX file")
        model = onnx.load(path)
    except (OSError, onnx.checker.ValidationError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise file_error(path, "cannot be read", error) from None
        raise RheobaseError(f"{path}: {shortened(' '.join(str(error).split()), 200)}") from None
    except (DecodeError, ValueError, TypeError, RuntimeError) as error:
        if isinstance(error, RheobaseError):
            raise
        raise RheobaseError(f"{path}: no ONNX file, or a damaged one") from None
    if not model.graph.node:
        raise RheobaseError(f"{path}: no ONNX file, or one without operators")
    return model


def _tensor(path: Path, stored: onnx.TensorProto) -> Tensor:
    from onnx import numpy_helper

    try:
        # In torch's own memory, whose alignment decides in which order kernels add up.
        return torch.tensor(numpy_helper.to_array(stored))
    except (TypeError, ValueError, KeyError) as error:
        why = shortened(" ".join(str(error).split()), 120)
        raise RheobaseError(f"{path}: tensor {shown(stored.name)} cannot be read ({why})") from None


def _steps(path: Path, model: onnx.ModelProto, batch: int | None) -> list[Step]:
    version = max((one.version for one in model.opset_import if one.domain in _OWN), default=0)
    functions = {one.name for one in model.functions}
    places = _Places(model.graph.node)
    steps, unknown = [], {}
    for node in model.graph.node:
        call = CALLS.get(node.op_type) if node.domain in _OWN else None
        if call is None or node.op_type in functions:
            unknown[node.op_type] = None
            continue
        found = Node(
            inputs=tuple(node.input),
            attributes=_attributes(path, node),
            outputs=len(node.output),
            version=version,
            batch=batch,
        )
        place = places.of(node, _function(node.op_type, call, found))
        steps.append(Step(place, tuple(node.output), _bound(call, found)))
    if unknown:
        raise RheobaseError(
            f"{path}: operators {', '.join(map(shown, unknown))}, which have no form here"
        )
    return steps


#: Operators that torch has one function for each number of axes of.
_WINDOWS = {"Conv": "conv", "MaxPool": "max_pool", "AveragePool": "avg_pool"}


def _function(operator: str, call: Any, node: Node) -> str:
    """What torch calls it: a layer that stands for a call alone has its name."""
    if operator in _WINDOWS and "kernel_shape" in node.attributes:
        return f"{_WINDOWS[operator]}{len(node.attributes['kernel_shape'])}d"
    return call.__name__.strip("_")


#: Domains of ONNX's own operators.
_OWN = ("", "ai.onnx")


def _bound(call: Any, node: Node) -> Any:
    def run(values: Mapping[str, Any]) -> Sequence[Any]:
        result = call(node, *(values[name] for name in node.inputs))
        return result if isinstance(result, tuple) else (result,)

    return run


def _attributes(path: Path, node: onnx.NodeProto) -> dict[str, Any]:
    import onnx

    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, onnx.TensorProto):
            value = _tensor(path, value)
        found[attribute.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    """An attribute's value in Python's types."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        # Stored in 32 bits, but meant as it was written: 1e-05.
        return float(str(np.float32(value)))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    return value


class _Places:
    """Where nodes stand in the model that they were written from, as far as the file says it."""

    def __init__(self, nodes: Sequence[onnx.NodeProto]) -> None:
        self._scopes = {_scope(node): node.op_type for node in nodes}

    def of(self, node: onnx.NodeProto, function: str) -> str:
        """Path of ``node``, which is called as torch's ``function``."""
        told = {entry.key: entry.value for entry in node.metadata_props}
        try:
            scopes, classes = (ast.literal_eval(told[key]) for key in (_SCOPES, _CLASSES))
            # The last scope is the call itself, named by torch's function.
            name = str(classes[-1]).removeprefix("aten.").partition(".")[0].strip("_")
            # The exporter writes a flattening as a view.
            name = "flatten" if name == "view" else name or function
            return call_place(str(scopes[-2]), str(classes[-2]), name)
        except (KeyError, IndexError, SyntaxError, TypeError, ValueError):
            pass
        scope = _scope(node)
        if not scope:
            return function
        # torch's older exporter numbers the calls of a module.
        base, _, number = scope.rpartition("_")
        if number.isdigit() and self._scopes.get(base) == node.op_type:
            scope = base
        within = any(other.startswith(f"{scope}.") for other in self._scopes)
        return f"{scope}.{function}" if within else scope


def _scope(node: onnx.NodeProto) -> str:
    """``layer1.0.relu`` of ``/layer1/layer1.0/relu/Relu``."""
    scope: list[str] = []
    for part in [part for part in node.name.split("/") if part][:-1]:
        # A child in a container has the container's own name in front.
        if scope and part.startswith(f"{scope[-1]}."):
            scope.pop()
        scope.append(part)
    return ".".join(scope)
