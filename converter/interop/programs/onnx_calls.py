"""ONNX's operators as calls of torch that the tracer knows.

A call gets its node and the values of its inputs; None stands for one that is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from ....golden.basics.arithmetic import ceil_div
from ....golden.errors import RheobaseError, shown
from ...tracing.program import with_open_batch
from .onnx_node import Node, numbers
from .onnx_windows import (
    average_pool,
    conv_transpose,
    convolution,
    global_average,
    global_max,
    max_pool,
)

#: ONNX's numbers of types.
_TYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}
#: An end of a slice that means the last.
_FAR = 2**31 - 1


def _constant(node: Node) -> Any:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in node.attributes:
            return torch.as_tensor(node.attributes[name])
    raise RheobaseError(f"ONNX: Constant of {', '.join(node.attributes)}, must be numbers")


def _batch_norm(node: Node, x: Any, weight: Any, bias: Any, mean: Any, variance: Any) -> Any:
    if node.get("training_mode", 0):
        raise RheobaseError("ONNX: BatchNormalization in training mode, must be in evaluation mode")
    return functional.batch_norm(
        x, mean, variance, weight, bias, False, 0.1, node.get("epsilon", 1e-5)
    )


def _reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduced(node: Node, *values: Any) -> Any:
        axes = node.given("axes", values, 1)
        if not axes:
            if node.get("noop_with_empty_axes", 0):
                return values[0]
            axes = list(range(values[0].ndim))
        return function(values[0], axes, bool(node.get("keepdims", 1)))

    return reduced


def _gemm(node: Node, x: Any, weight: Any, bias: Any = None) -> Any:
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    if node.get("transA", 0):
        x = x.t()
    weight = weight if node.get("transB", 0) else weight.t()
    weight = weight if alpha == 1 else weight * alpha
    if bias is not None and beta != 1:
        bias = bias * beta
    if bias is None or bias.ndim == 1:
        return functional.linear(x, weight, bias)
    return functional.linear(x, weight) + bias


def _clip(node: Node, x: Any, low: Any = None, high: Any = None) -> Any:
    low, high = (
        node.get(name, None if given is None else numbers(given))
        for name, given in (("min", low), ("max", high))
    )
    if (low, high) == (0.0, 6.0):
        return functional.relu6(x)
    if low == 0.0 and high is not None:
        return functional.hardtanh(x, low, high)
    return torch.clamp(x, low, high)


def _prelu(_node: Node, x: Any, slope: Any) -> Any:
    return torch.prelu(x, slope.reshape(-1))


def _reshape(node: Node, x: Any, shape: Any) -> Any:
    sizes = with_open_batch(numbers(shape), x, node.batch)
    if not node.get("allowzero", 0):
        sizes = [x.shape[index] if size == 0 else size for index, size in enumerate(sizes)]
    return x.reshape(sizes)


def _flatten(node: Node, x: Any) -> Any:
    axis = node.get("axis", 1)
    if axis != 1:
        raise RheobaseError(f"ONNX: Flatten from axis {axis}, must be 1")
    return torch.flatten(x, 1)


def _squeeze(node: Node, *values: Any) -> Any:
    x, axes = values[0], node.given("axes", values, 1)
    if axes is None:
        return torch.squeeze(x)
    for axis in sorted((one % x.ndim for one in _listed(axes)), reverse=True):
        x = torch.squeeze(x, axis)
    return x


def _unsqueeze(node: Node, *values: Any) -> Any:
    x, axes = values[0], _listed(node.given("axes", values, 1))
    rank = x.ndim + len(axes)
    for axis in sorted(one % rank for one in axes):
        x = torch.unsqueeze(x, axis)
    return x


def _listed(numbers: Any) -> list[int]:
    return list(numbers) if isinstance(numbers, list | tuple) else [numbers]


def _slice(node: Node, *values: Any) -> Any:
    x = values[0]
    starts, ends = (node.given(name, values, place) for name, place in (("starts", 1), ("ends", 2)))
    axes = node.given("axes", values, 3, list(range(len(starts))))
    steps = node.given("steps", values, 4, [1] * len(starts))
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            raise RheobaseError(f"ONNX: Slice by {step}, must be forwards")
        last = None if end >= _FAR else end
        index[axis] = slice(None if start == 0 else start, last, None if step == 1 else step)
    return x[tuple(index)]


def _split(node: Node, *values: Any) -> Any:
    x, axis = values[0], node.get("axis", 0)
    sizes = node.given("split", values, 1)
    if sizes is None:
        sizes = ceil_div(x.shape[axis], node.outputs)
    return tuple(torch.split(x, sizes, axis))


def _pad(node: Node, *values: Any) -> Any:
    x, pads = values[0], node.given("pads", values, 1)
    value = node.given("value", values, 2, 0.0)
    if len(values) > 3 and values[3] is not None:
        raise RheobaseError("ONNX: Pad of some axes, must be of all")
    mode = {"edge": "replicate", "wrap": "circular"}.get(node.get("mode"), node.get("mode"))
    rank = len(pads) // 2
    sides = [side for axis in reversed(range(rank)) for side in (pads[axis], pads[rank + axis])]
    while len(sides) > 2 and sides[-2:] == [0, 0]:
        del sides[-2:]
    if mode in (None, "constant"):
        return functional.pad(x, sides, value=value)
    return functional.pad(x, sides, mode=mode)


def _shape(node: Node, x: Any) -> Any:
    return torch.tensor(list(x.shape)[node.get("start", 0) : node.get("end", _FAR)])


def _gather(node: Node, x: Any, index: Any) -> Any:
    axis = node.get("axis", 0)
    if index.ndim == 0:
        return torch.select(x, axis, int(index))
    return torch.index_select(x, axis, index.reshape(-1))


def _cast(node: Node, x: Any) -> Any:
    return x.to(_type(node.attributes["to"]))


def _cast_like(_node: Node, x: Any, other: Any) -> Any:
    return x if x.dtype == other.dtype else x.to(other.dtype)


def _type(number: int) -> torch.dtype:
    if number not in _TYPES:
        raise RheobaseError(f"ONNX: a tensor of type {shown(number)}, must be numbers")
    return _TYPES[number]


def _constant_of_shape(node: Node, shape: Any) -> Any:
    value = node.get("value", torch.zeros(1))
    return value.reshape(()).expand(numbers(shape)).clone()


def _expand(node: Node, x: Any, shape: Any) -> Any:
    sizes = with_open_batch(numbers(shape), x, node.batch)
    return x.expand(torch.broadcast_shapes(tuple(x.shape), tuple(sizes)))


def _summed(function: Callable[..., Any]) -> Callable[..., Any]:
    def summed(_node: Node, *values: Any) -> Any:
        result = values[0]
        for value in values[1:]:
            result = function(result, value)
        return result

    return summed


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def plain(_node: Node, *values: Any) -> Any:
        return function(*values)

    plain.__name__ = getattr(function, "__name__", "plain")
    return plain


def _softmax(function: Callable[..., Any]) -> Callable[..., Any]:
    def softmax(node: Node, x: Any) -> Any:
        axis = node.get("axis", -1 if node.version >= 13 else 1)
        if node.version < 13 and axis not in (-1, x.ndim - 1):
            raise RheobaseError(f"ONNX: softmax from axis {axis} on, must be over the last alone")
        return function(x, axis)

    return softmax


def _gelu(node: Node, x: Any) -> Any:
    return functional.gelu(x, approximate=node.get("approximate", "none"))


def _identity(_node: Node, x: Any, *_: Any) -> Any:
    return x


def _named(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    call.__name__ = name
    return call


CALLS: dict[str, Callable[..., Any]] = {
    "Constant": _constant,
    "Conv": convolution,
    "ConvTranspose": conv_transpose,
    "BatchNormalization": _batch_norm,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average,
    "GlobalMaxPool": global_max,
    "ReduceMean": _named("mean", _reduced(torch.mean)),
    "ReduceSum": _named("sum", _reduced(torch.sum)),
    "ReduceMax": _named("amax", _reduced(torch.amax)),
    "Gemm": _named("linear", _gemm),
    "Clip": _clip,
    "PRelu": _prelu,
    "LeakyRelu": _named(
        "leaky_relu", lambda node, x: functional.leaky_relu(x, node.get("alpha", 0.01))
    ),
    "Elu": _named("elu", lambda node, x: functional.elu(x, node.get("alpha", 1.0))),
    "Gelu": _gelu,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _named(
        "permute",
        lambda node, x: torch.permute(x, node.get("perm", list(range(x.ndim))[::-1])),
    ),
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Split": _split,
    "Pad": _pad,
    "Concat": _named("cat", lambda node, *values: torch.cat(values, node.attributes["axis"])),
    "Shape": _shape,
    "Gather": _gather,
    "Cast": _cast,
    "CastLike": _cast_like,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Sum": _named("add", _summed(torch.add)),
    "Max": _named("maximum", _summed(torch.maximum)),
    "Min": _named("minimum", _summed(torch.minimum)),
    "Softmax": _named("softmax", _softmax(torch.softmax)),
    "LogSoftmax": _named("log_softmax", _softmax(torch.log_softmax)),
    "Identity": _identity,
    "Dropout": _identity,
    **{
        name: _plain(function)
        for name, function in {
            "Relu": functional.relu,
            "HardSwish": functional.hardswish,
            "Mish": functional.mish,
            "Softplus": functional.softplus,
            "Sigmoid": torch.sigmoid,
            "Tanh": torch.tanh,
            "Erf": torch.erf,
            "Exp": torch.exp,
            "Sqrt": torch.sqrt,
            "Reciprocal": torch.reciprocal,
            "Abs": torch.abs,
            "Neg": torch.neg,
            "Add": torch.add,
            "Sub": torch.sub,
            "Mul": torch.mul,
            "Div": torch.div,
            "Pow": torch.pow,
            "MatMul": torch.matmul,
            "Where": torch.where,
        }.items()
    },
}
