"""Calls of ATen, of which an exported program consists, as calls of torch that the tracer knows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from ....golden.errors import RheobaseError, shown
from ...tracing.program import with_open_batch


@dataclass(frozen=True)
class Call:
    """What a target of an exported program calls.

    Attributes:
        name: of the function.
        function: takes the arguments of ATen's schema, in its order, those with a keyword as such.
        sized: the argument after the first is a shape with the number of images in front.
        several: the result is a tuple.
    """

    name: str
    function: Callable[..., Any]
    sized: bool = False
    several: bool = False

    def bound(
        self, inputs: Sequence[Mapping[str, Any]], batch: int | None, types: Mapping[int, Any]
    ) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
        """The call with its arguments, which are looked up when it runs."""
        positional = [entry["arg"] for entry in inputs if entry.get("kind", 1) == 1]
        keywords = {entry["name"]: entry["arg"] for entry in inputs if entry.get("kind", 1) != 1}

        def run(values: Mapping[str, Any]) -> Sequence[Any]:
            arguments = [_value(one, values, types) for one in positional]
            if self.sized:
                arguments[1] = with_open_batch(arguments[1], arguments[0], batch)
            named = {name: _value(one, values, types) for name, one in keywords.items()}
            named = {name: one for name, one in named.items() if one is not _LEFT_OUT}
            result = self.function(*arguments, **named)
            return result if self.several else (result,)

        return run


#: An end of a slice that means the last.
_FAR = 2**31 - 1
#: An argument of no effect, such as a memory format.
_LEFT_OUT = object()


def _value(argument: Mapping[str, Any], values: Mapping[str, Any], types: Mapping[int, Any]) -> Any:
    """An argument of the file as torch takes it."""
    ((kind, given),) = argument.items()
    if kind == "as_tensor":
        return values[given["name"]]
    if kind == "as_tensors":
        return [values[one["name"]] for one in given]
    if kind == "as_optional_tensors":
        return [None if "as_none" in one else values[one["as_tensor"]["name"]] for one in given]
    if kind == "as_none":
        return None
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return _symbol(given, values)
    if kind == "as_sym_ints":
        return [_symbol(one, values) for one in given]
    if kind == "as_scalar_type":
        return types[given]
    if kind in ("as_memory_format", "as_layout", "as_device"):
        return _LEFT_OUT
    if kind in ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"):
        return given
    raise RheobaseError(f"exported program: an argument {shown(kind)}, which has no form here")


def _symbol(given: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    return values[given["as_name"]] if "as_name" in given else next(iter(given.values()))


def find_call(target: str) -> Call | None:
    """The call of a ``target`` such as ``torch.ops.aten.conv2d.default``; None of no known one."""
    if target.startswith("_operator."):
        name = target.removeprefix("_operator.")
        return Call(name, getattr(operator, name)) if name in _OPERATORS else None
    if not target.startswith("torch.ops.aten."):
        return None
    name = target.removeprefix("torch.ops.aten.").partition(".")[0]
    return _CALLS.get(name)


def _convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    rank = weight.ndim - 2
    if transposed:
        function = getattr(functional, f"conv_transpose{rank}d")
        return function(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(functional, f"conv{rank}d")(x, weight, bias, stride, padding, dilation, groups)


def _batch_norm(
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    eps: float,
    _cudnn: bool = False,
) -> Any:
    return functional.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)


def _batch_norm_decomposed(
    x: Any, weight: Any, bias: Any, mean: Any, variance: Any, momentum: float, eps: float
) -> Any:
    return (_batch_norm(x, weight, bias, mean, variance, False, momentum, eps), None, None)


def _max_pool_decomposed(x: Any, *windows: Any) -> Any:
    return (functional.max_pool2d(x, *windows), None)


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    start, end = start or None, None if end is None or end >= _FAR else end
    if (start, end, step) == (None, None, 1):
        return x
    return x[(*[slice(None)] * (dim % x.ndim), slice(start, end, step))]


def _dropout(x: Any, p: float, train: bool) -> Any:
    return functional.dropout(x, p, train)


def _method(name: str) -> Callable[..., Any]:
    def call(x: Any, *arguments: Any, **keywords: Any) -> Any:
        return getattr(x, name)(*arguments, **keywords)

    return call


def _in_place(name: str) -> Callable[..., Any]:
    function = getattr(functional, name)

    def call(x: Any, *arguments: Any) -> Any:
        return function(x, *arguments, inplace=True)

    return call


def _nothing(*_: Any, **__: Any) -> Any:
    """What an exported program asserts of its tensors."""
    return None


def _same(x: Any, *_: Any, **__: Any) -> Any:
    return x


_OPERATORS = {"getitem", "add", "sub", "mul", "floordiv", "neg", "eq", "ge", "le", "gt", "lt"}
#: Those of torch.nn.functional, those of torch, and those of a tensor, whose order is ATen's.
_FUNCTIONAL = (
    *(f"{kind}{rank}d" for kind in ("conv", "avg_pool", "max_pool") for rank in (1, 2, 3)),
    *(f"{kind}{rank}d" for kind in ("adaptive_avg_pool", "conv_transpose") for rank in (1, 2, 3)),
    *("linear", "relu", "relu6", "hardtanh", "leaky_relu", "elu", "silu", "gelu"),
    *("mish", "hardswish", "hardsigmoid", "softplus", "pad", "scaled_dot_product_attention"),
    *("pixel_unshuffle", "pixel_shuffle", "channel_shuffle"),
)
_TORCH = (
    *("add", "sub", "mul", "div", "neg", "abs", "exp", "sqrt", "rsqrt", "pow", "sigmoid", "tanh"),
    *("maximum", "minimum", "clamp", "clamp_min", "clamp_max", "prelu", "where", "rsub"),
    *("cat", "stack", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "t"),
    *("mean", "sum", "amax", "matmul", "mm", "bmm", "addmm", "einsum", "select", "narrow"),
    *("flip", "roll", "index_select", "softmax", "log_softmax", "group_norm", "layer_norm"),
)
_METHODS = ("contiguous", "repeat", "add_", "sub_", "mul_", "div_", "clamp_", "clamp_min_", "clone")

_CALLS: dict[str, Call] = {
    **{name: Call(name, getattr(functional, name)) for name in _FUNCTIONAL},
    **{name: Call(name, getattr(torch, name)) for name in _TORCH},
    **{name: Call(name.strip("_"), _method(name)) for name in _METHODS},
    **{
        f"{name}_": Call(name, _in_place(name))
        for name in ("relu", "relu6", "hardtanh", "leaky_relu", "silu", "hardswish")
    },
    **{name: Call(name, _method(name), sized=True) for name in ("view", "reshape", "expand")},
    "_unsafe_view": Call("view", _method("view"), sized=True),
    **{name: Call(name, _method(name), several=True) for name in ("chunk", "split", "unbind")},
    "split_with_sizes": Call("split", _method("split"), several=True),
    "slice": Call("getitem", _slice),
    "size": Call("size", _method("size")),
    "sym_size": Call("size", _method("size")),
    "dropout": Call("dropout", _dropout),
    "dropout_": Call("dropout", _dropout),
    "feature_dropout": Call("dropout", _dropout),
    "convolution": Call("convolution", _convolution),
    "batch_norm": Call("batch_norm", _batch_norm),
    "_native_batch_norm_legit_no_training": Call(
        "batch_norm", _batch_norm_decomposed, several=True
    ),
    "max_pool2d_with_indices": Call("max_pool2d", _max_pool_decomposed, several=True),
    **{name: Call(name, _same) for name in ("detach", "detach_", "alias", "lift_fresh_copy")},
    **{
        name: Call(name, _nothing)
        for name in ("_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range")
    },
}
