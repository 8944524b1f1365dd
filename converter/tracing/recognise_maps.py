"""Builders of pooling, sums, products with constants, concatenation and interpolation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..graph.float_roles import role_of
from ..graph.graph import BatchSize, OperationKind, PerImage
from ..graph.graph_builder import Call, Signal
from .recognise_activations import affine, bounded, masked
from .recognise_weights import spatial


def _max_pool(call: Call, given: dict[str, Any]) -> Signal | None:
    if given.get("return_indices"):
        return None
    x = given["input"]
    rank = len(x.shape) - 1
    kernel = spatial(given["kernel_size"], rank)
    arguments = {
        "kernel": kernel,
        "stride": _stride(given, kernel),
        "padding": spatial(given.get("padding", 0), rank),
        "dilation": spatial(given.get("dilation", 1), rank),
        "ceil_mode": bool(given.get("ceil_mode", False)),
    }
    return call.emit(OperationKind.MAX_POOL, x, arguments)


def _stride(given: dict[str, Any], kernel: tuple[int, ...]) -> tuple[int, ...]:
    stride = given.get("stride")
    if stride is None or stride in ((), []):
        return kernel
    return spatial(stride, len(kernel))


def _average_pool(call: Call, given: dict[str, Any]) -> Signal:
    x = given["input"]
    rank = len(x.shape) - 1
    kernel = spatial(given["kernel_size"], rank)
    arguments = {
        "kernel": kernel,
        "stride": _stride(given, kernel),
        "padding": spatial(given.get("padding", 0), rank),
        "ceil_mode": bool(given.get("ceil_mode", False)),
        "count_include_pad": bool(given.get("count_include_pad", True)),
        "divisor": given.get("divisor_override"),
    }
    return call.emit(OperationKind.AVERAGE_POOL, x, arguments)


def _adaptive_average_pool(call: Call, given: dict[str, Any]) -> Signal:
    return call.emit(
        OperationKind.ADAPTIVE_AVERAGE_POOL, given["input"], {"size": call.result_shape[1:]}
    )


def _adaptive_max_pool(call: Call, given: dict[str, Any]) -> Signal | None:
    x = given["input"]
    sizes = list(zip(x.shape[1:], call.result_shape[1:], strict=True))
    if given.get("return_indices") or any(extent % cells for extent, cells in sizes):
        return None
    kernel = tuple(extent // cells for extent, cells in sizes)
    ones = (1,) * len(kernel)
    arguments = {
        "kernel": kernel,
        "stride": kernel,
        "padding": (0,) * len(kernel),
        "dilation": ones,
        "ceil_mode": False,
    }
    return call.emit(OperationKind.MAX_POOL, x, arguments)


def _dimensions(given: dict[str, Any], x: Signal) -> list[int] | None:
    """Dimensions without the batch that are reduced, in order; None where they are not numbers."""
    dimensions = given.get("dim")
    if isinstance(dimensions, int):
        # Methods take the dimensions one by one too.
        dimensions = [value for value in given["rest"] if type(value) is int] or [dimensions]
    if not isinstance(dimensions, tuple | list) or not dimensions:
        return None
    return sorted({int(dimension) % (len(x.shape) + 1) - 1 for dimension in dimensions})


def _reduced(
    call: Call, kind: OperationKind, x: Signal, arguments: dict[str, Any], dimensions: list[int]
) -> Signal:
    """An operation that leaves an extent of one, and the reshaping without it where it goes."""
    kept = tuple(1 if axis in dimensions else extent for axis, extent in enumerate(x.shape))
    if call.result_shape == kept:
        return call.emit(kind, x, arguments)
    pooled = call.emit(kind, x, arguments, kept, part="pool")
    return call.emit(OperationKind.RESHAPE, pooled, {"permutation": None})


def _mean(call: Call, given: dict[str, Any]) -> Signal | None:
    """The mean over spatial dimensions is a pooling, over the channels a sum of them."""
    x, dimensions = given["input"], _dimensions(given, given["input"])
    if dimensions is None or given.get("dtype") is not None or -1 in dimensions:
        return None
    summed = call.label.strip("_") == "sum"
    rank = len(x.shape)
    if dimensions == [0] and rank > 1:
        matrix = torch.full((1, x.shape[0]), 1.0 if summed else 1.0 / x.shape[0])
        return _reduced(call, OperationKind.MIX, x, {"matrix": matrix.double()}, dimensions)
    if 0 in dimensions or not 2 <= rank <= 4:
        return None
    if summed:
        count = float(torch.Size([x.shape[axis] for axis in dimensions]).numel())
        x = affine(call, x, count, 0.0, "count")
    if len(dimensions) == rank - 1:
        arguments: dict[str, Any] = {"size": (1,) * (rank - 1)}
        return _reduced(call, OperationKind.ADAPTIVE_AVERAGE_POOL, x, arguments, dimensions)
    arguments = {
        **_window(x, dimensions),
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor": None,
    }
    return _reduced(call, OperationKind.AVERAGE_POOL, x, arguments, dimensions)


def _window(x: Signal, dimensions: list[int]) -> dict[str, tuple[int, ...]]:
    """A pooling's window that covers the map along ``dimensions``."""
    kernel = tuple(x.shape[axis] if axis in dimensions else 1 for axis in range(1, len(x.shape)))
    return {"kernel": kernel, "stride": kernel, "padding": (0,) * len(kernel)}


def _amax(call: Call, given: dict[str, Any]) -> Signal | None:
    """The largest value along spatial dimensions is a max pooling."""
    x, dimensions = given["input"], _dimensions(given, given["input"])
    if dimensions is None or min(dimensions) < 1 or not 2 <= len(x.shape) <= 4:
        return None
    window = _window(x, dimensions)
    arguments = {**window, "dilation": (1,) * len(window["kernel"]), "ceil_mode": False}
    return _reduced(call, OperationKind.MAX_POOL, x, arguments, dimensions)


def _max(call: Call, given: dict[str, Any]) -> Any:
    """Of two tensors, or along a dimension: then with the places of the largest values."""
    if type(given.get("dim")) is not int:
        return bounded(call, {**given, "other": given.get("dim", given.get("other"))})
    values = _amax(replace(call, shape=call.shape[0]), given)
    if values is None:
        return None
    places = call.float_operations(activation=False, role=role_of(call))
    return [values, places[1]]


def _constant(value: Any, shape: tuple[int, ...]) -> Tensor | None:
    """A constant that broadcasts against a signal of ``shape``; None where it does not."""
    if isinstance(value, bool | BatchSize | Signal):
        return None
    if isinstance(value, int | float):
        return torch.tensor(float(value))
    if isinstance(value, PerImage):
        value = value.value
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return None
    value = value.detach()
    if value.ndim == len(shape) + 1:
        if len(value) != 1:
            return None
        value = value[0]
    try:
        fits = torch.broadcast_shapes(value.shape, shape) == torch.Size(shape)
    except RuntimeError:
        return None
    return value if fits else None


def _affine(call: Call, x: Signal, scale: Tensor, shift: Tensor) -> Signal:
    if bool((scale == 1).all()) and bool((shift == 0).all()):
        return x
    shift = shift.to(scale.device) if shift.ndim == 0 else shift
    scale = scale.to(shift.device) if scale.ndim == 0 else scale
    return call.emit(OperationKind.AFFINE, x, {"scale": scale, "shift": shift})


def _sum(call: Call, one: Any, other: Any, signs: tuple[float, float]) -> Signal | None:
    if isinstance(one, Signal) and isinstance(other, Signal):
        return call.emit(OperationKind.ADD, (one, other), {"scales": signs})
    if isinstance(one, Signal):
        x, value, scale, factor = one, other, signs[0], signs[1]
    elif isinstance(other, Signal):
        x, value, scale, factor = other, one, signs[1], signs[0]
    else:
        return None
    shift = _constant(value, x.shape)
    if shift is None or call.result_shape != x.shape:
        return None
    return _affine(call, x, torch.tensor(scale, dtype=shift.dtype), shift * factor)


def _alpha(given: dict[str, Any]) -> float | None:
    alpha = given.get("alpha", 1)
    return float(alpha) if isinstance(alpha, int | float) else None


def _add(call: Call, given: dict[str, Any]) -> Signal | None:
    alpha = _alpha(given)
    return None if alpha is None else _sum(call, given["input"], given.get("other"), (1.0, alpha))


def _sub(call: Call, given: dict[str, Any]) -> Signal | None:
    alpha = _alpha(given)
    return None if alpha is None else _sum(call, given["input"], given.get("other"), (1.0, -alpha))


def _rsub(call: Call, given: dict[str, Any]) -> Signal | None:
    return _sum(call, given["input"], given.get("other"), (-1.0, 1.0))


def _scaled(call: Call, x: Signal, value: Any, *, inverse: bool = False) -> Signal | None:
    scale = _constant(value, x.shape)
    if scale is None or call.result_shape != x.shape:
        return None
    if inverse:
        scale = 1.0 / scale
    return _affine(call, x, scale, torch.zeros((), dtype=scale.dtype))


def _mul(call: Call, given: dict[str, Any]) -> Signal | None:
    one, other = given["input"], given.get("other")
    if isinstance(one, Signal):
        return masked(call, one, other) if isinstance(other, Signal) else _scaled(call, one, other)
    return _scaled(call, other, one) if isinstance(other, Signal) else None


def _div(call: Call, given: dict[str, Any]) -> Signal | None:
    if given.get("rounding_mode") is not None or isinstance(given.get("other"), Signal):
        return None
    return _scaled(call, given["input"], given.get("other"), inverse=True)


def _neg(call: Call, given: dict[str, Any]) -> Signal:
    return _affine(call, given["input"], torch.tensor(-1.0), torch.tensor(0.0))


def _cat(call: Call, given: dict[str, Any]) -> Signal | None:
    parts = given["input"]
    if not isinstance(parts, tuple | list):
        return None
    dimension = int(given.get("dim", 0)) % len(call.shape) - 1
    if dimension < 0:
        return None
    if all(isinstance(part, Signal) for part in parts):
        if len(parts) == 1:
            return parts[0]
        return call.emit(OperationKind.CONCATENATE, tuple(parts), {"dimension": dimension})
    return _cat_zeros(call, list(parts), dimension)


def _cat_zeros(call: Call, parts: list[Any], dimension: int) -> Signal | None:
    """Zeros beside one signal are padding."""
    before = after = 0
    signal: Signal | None = None
    for part in parts:
        if isinstance(part, Signal):
            if signal is not None:
                return None
            signal = part
            continue
        value = part.value if isinstance(part, PerImage) else part
        if not isinstance(value, Tensor) or bool((value != 0).any()):
            return None
        extent = value.shape[dimension + 1] if value.ndim == len(call.shape) else 0
        before, after = (before + extent, after) if signal is None else (before, after + extent)
    if signal is None:
        return None
    padding = tuple(
        (before, after) if axis == dimension else (0, 0) for axis in range(len(signal.shape))
    )
    arguments = {"padding": padding, "mode": "constant", "value": 0.0}
    return call.emit(OperationKind.PAD, signal, arguments)


def _interpolate(call: Call, given: dict[str, Any]) -> Signal | None:
    x, size = given["input"], call.result_shape[1:]
    if given.get("antialias"):
        return None
    factor = given.get("scale_factor")
    if factor is not None and not given.get("recompute_scale_factor"):
        # torch uses the factor as given, which is another ratio where the size was rounded.
        factors = factor if isinstance(factor, tuple | list) else (factor,) * len(size)
        pairs = zip(x.shape[1:], factors, size, strict=True)
        if any(extent * float(ratio) != new for extent, ratio, new in pairs):
            return None
    mode = str(given.get("mode") or "nearest")
    align = given.get("align_corners")
    return call.emit(
        OperationKind.INTERPOLATE, x, {"size": size, "mode": mode, "align_corners": align}
    )


MAP_BUILDERS = {
    "max_pool": _max_pool,
    "avg_pool": _average_pool,
    "adaptive_avg_pool": _adaptive_average_pool,
    "adaptive_max_pool": _adaptive_max_pool,
    "mean": _mean,
    "amax": _amax,
    "max": _max,
    "add": _add,
    "sub": _sub,
    "rsub": _rsub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "cat": _cat,
    "interpolate": _interpolate,
}
