"""Builders of activations that are ReLUs in another spelling, or sums of a few of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..graph.graph import FloatCall, Graph, OperationKind, PerImage, neuron_arguments
from ..graph.graph_builder import Call, Method, Signal
from ..rewrite.rewrite import never_negative

#: Comparisons with zero: whether they hold above it (what they say of zero itself is no matter).
_ABOVE = {
    "gt": True,
    "ge": True,
    "greater": True,
    "greater_equal": True,
    "lt": False,
    "le": False,
    "less": False,
    "less_equal": False,
}
#: What makes a factor of zeros and ones of a comparison.
_CASTS = {"float", "double", "half", "to", "type", "type_as", "int", "long"}


def neurons(
    call: Call,
    x: Signal,
    cap: float | None = None,
    levels: int | None = None,
    part: str = "",
    slope: Tensor | None = None,
) -> Signal:
    """ReLU, saturating at ``cap``; ``levels`` of a clip-floor-shift activation.

    With a ``slope`` (channels,) the neurons fire signed.
    """
    arguments = neuron_arguments(cap=cap, levels=levels, slope=slope)
    return call.emit(OperationKind.RELU, x, arguments, x.shape, part)


def affine(call: Call, x: Signal, scale: Any, shift: Any, part: str = "") -> Signal:
    """``scale`` x + ``shift``: numbers, or tensors that broadcast to the shape of ``x``."""
    arguments: dict[str, Any] = {
        name: value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
        for name, value in (("scale", scale), ("shift", shift))
    }
    return call.emit(OperationKind.AFFINE, x, arguments, x.shape, part)


def _relu(call: Call, given: dict[str, Any]) -> Signal:
    return neurons(call, given["input"])


def _relu6(call: Call, given: dict[str, Any]) -> Signal:
    return neurons(call, given["input"], 6.0)


def _qcfs(call: Call, given: dict[str, Any]) -> Signal:
    return neurons(call, given["input"], given["threshold"], given["levels"])


def clamped(call: Call, x: Signal, low: float | None, high: float | None) -> Signal | None:
    """min(max(x, low), high), with one layer of neurons."""
    if low == -float("inf"):
        low = None
    if high == float("inf"):
        high = None
    if low is None:
        if high is None:
            return x
        so_far = Graph(tuple(call.builder.operations.values()), {})
        if high > 0 and x.name in never_negative(so_far):
            return neurons(call, x, high)
        below = neurons(call, affine(call, x, -1.0, float(high), "below"), None, part="relu")
        return affine(call, below, -1.0, float(high))
    if high is not None and not low < high:
        return None
    cap = None if high is None else float(high - low)
    if low == 0:
        return neurons(call, x, cap)
    above = neurons(call, affine(call, x, 1.0, -float(low), "above"), cap, part="relu")
    return affine(call, above, 1.0, float(low))


def number(value: Any) -> float | None:
    """A constant that is one number for all elements; None for anything else."""
    if isinstance(value, PerImage):
        value = value.value
    if isinstance(value, Tensor) and value.numel():
        flat = value.detach().flatten()
        return float(flat[0]) if bool((flat == flat[0]).all()) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _limits(given: dict[str, Any], low: str, high: str) -> tuple[float | None, float | None] | None:
    found = []
    for name in (low, high):
        value = given.get(name)
        limit = None if value is None else number(value)
        if value is not None and (limit is None or limit != limit):
            return None
        found.append(limit)
    return found[0], found[1]


def _clamp(call: Call, given: dict[str, Any]) -> Signal | None:
    limits = _limits(given, "min", "max")
    return None if limits is None else clamped(call, given["input"], *limits)


def _hardtanh(call: Call, given: dict[str, Any]) -> Signal | None:
    limits = _limits({"min_val": -1.0, "max_val": 1.0, **given}, "min_val", "max_val")
    return None if limits is None else clamped(call, given["input"], *limits)


def bounded(call: Call, given: dict[str, Any]) -> Signal | None:
    """Maximum or minimum of a signal and one number."""
    one, other = given["input"], given.get("other")
    if not isinstance(one, Signal):
        one, other = other, one
    if not isinstance(one, Signal) or isinstance(other, Signal):
        return None
    limit = number(other)
    if limit is None or call.result_shape != one.shape:
        return None
    highest = call.label.strip("_") in ("minimum", "fmin", "min")
    return clamped(call, one, *((None, limit) if highest else (limit, None)))


def _threshold(call: Call, given: dict[str, Any]) -> Signal | None:
    if given["threshold"] != 0 or given["value"] != 0:
        return None
    return neurons(call, given["input"])


def _leaky_relu(call: Call, given: dict[str, Any]) -> Signal:
    slope = float(given.get("negative_slope", 0.01))
    return _two_sided(call, given["input"], torch.tensor(slope, dtype=torch.float64))


def _prelu(call: Call, given: dict[str, Any]) -> Signal | None:
    slope, x = given.get("weight"), given["input"]
    if not isinstance(slope, Tensor):
        return None
    slope = slope.detach()
    # torch counts channels of vectors too, and wants one slope or one for each.
    return _two_sided(call, x, slope.reshape(-1, *[1] * (len(x.shape) - 1)))


def _two_sided(call: Call, x: Signal, slope: Tensor) -> Signal:
    """x above zero and ``slope`` x below.

    With slopes in (0, 1] it is one layer of signed neurons, with others it is
    max(x, 0) - slope max(-x, 0).
    """
    if not bool(slope.any()):
        return neurons(call, x)
    if x.shape and bool(((slope > 0) & (slope <= 1)).all()):
        return neurons(call, x, slope=slope.flatten().expand(x.shape[0]).clone())
    above = neurons(call, x, part="above")
    below = neurons(call, affine(call, x, -1.0, 0.0, "negated"), part="below")
    if slope.numel() == 1:
        scales = (1.0, -float(slope))
    else:
        below, scales = affine(call, below, -slope, 0.0, "slopes"), (1.0, 1.0)
    return call.emit(OperationKind.ADD, (above, below), {"scales": scales}, x.shape)


def compared_with_zero(call: Call, mask: Any) -> tuple[str, bool] | None:
    """Of a comparison with zero: what is compared, and whether it holds above zero."""
    operations = call.builder.operations
    while isinstance(mask, Signal):
        operation = operations[mask.name]
        function = operation.arguments.get("function")
        if not isinstance(function, FloatCall) or len(operation.inputs) != 1:
            return None
        target = function.target
        name = target.name if isinstance(target, Method) else getattr(target, "__name__", "")
        source = operation.inputs[0]
        if name in _CASTS:
            mask = Signal(source, operations[source].shape)
            continue
        arguments = (*function.arguments, *function.keywords.values())
        if name not in _ABOVE or len(arguments) != 2 or number(arguments[1]) != 0:
            return None
        return source, _ABOVE[name]
    return None


def masked(call: Call, one: Any, other: Any) -> Signal | None:
    """x (x > 0), and -max(-x, 0) for x (x < 0)."""
    for x, mask in ((one, other), (other, one)):
        found = compared_with_zero(call, mask)
        if found is not None and isinstance(x, Signal) and found[0] == x.name:
            return _side(call, x, found[1])
    return None


def _where(call: Call, given: dict[str, Any]) -> Signal | None:
    """where(x > 0, x, 0), with any comparison and either side."""
    mask, yes, no = given["input"], given.get("yes"), given.get("no")
    if isinstance(call.target, str):  # the method: x.where(mask, no)
        mask, yes = yes, mask
    found = compared_with_zero(call, mask)
    if found is None:
        return None
    source, above = found
    if isinstance(no, Signal):
        yes, no, above = no, yes, not above
    if not isinstance(yes, Signal) or yes.name != source or number(no) != 0:
        return None
    return _side(call, yes, above)


def _side(call: Call, x: Signal, above: bool) -> Signal:
    if above:
        return neurons(call, x)
    below = neurons(call, affine(call, x, -1.0, 0.0, "negated"), part="below")
    return affine(call, below, -1.0, 0.0)


ACTIVATION_BUILDERS = {
    "relu": _relu,
    "relu6": _relu6,
    "hardtanh": _hardtanh,
    "clamp": _clamp,
    "bounded": bounded,
    "threshold": _threshold,
    "qcfs": _qcfs,
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "where": _where,
}
