"""Builders of operations with weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..graph.graph import OperationKind
from ..graph.graph_builder import Call, Signal


def spatial(value: Any, rank: int) -> tuple[int, ...]:
    """``value`` as one int per spatial dimension."""
    if isinstance(value, int):
        return (value,) * rank
    values = tuple(int(number) for number in value)
    return values * rank if len(values) == 1 else values


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _convolution(call: Call, given: dict[str, Any]) -> Signal | None:
    x, weight, bias = given["input"], _detached(given.get("weight")), _detached(given.get("bias"))
    if not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        return None
    rank = weight.ndim - 2
    dilation = spatial(given.get("dilation", 1), rank)
    padding, x = _symmetric_padding(call, given, x, dilation, weight.shape[2:])
    return call.emit(
        OperationKind.CONVOLUTION,
        x,
        {
            "weight": weight,
            "bias": bias,
            "stride": spatial(given.get("stride", 1), rank),
            "padding": padding,
            "dilation": dilation,
            "groups": int(given.get("groups", 1)),
        },
    )


def _symmetric_padding(
    call: Call, given: dict[str, Any], x: Signal, dilation: tuple[int, ...], kernel: torch.Size
) -> tuple[tuple[int, ...], Signal]:
    """Padding with the same number of zeros on either side; any other is a PAD in front."""
    rank = len(kernel)
    padding, mode = given.get("padding", 0), given.get("padding_mode", "zeros")
    if padding == "valid":
        padding = 0
    if padding == "same":
        totals = [step * (extent - 1) for step, extent in zip(dilation, kernel, strict=True)]
        # torch puts the odd one at the end.
        pairs = tuple((total // 2, total - total // 2) for total in totals)
    else:
        pairs = tuple((extent, extent) for extent in spatial(padding, rank))
    if mode == "zeros" and all(before == after for before, after in pairs):
        return tuple(before for before, _ in pairs), x
    whole = ((0, 0),) * (len(x.shape) - rank) + pairs
    shape = tuple(extent + sum(pair) for extent, pair in zip(x.shape, whole, strict=True))
    arguments = {
        "padding": whole,
        "mode": "constant" if mode == "zeros" else mode,
        "value": 0.0,
    }
    return (0,) * rank, call.emit(OperationKind.PAD, x, arguments, shape, part="padding")


def _conv_transpose(call: Call, given: dict[str, Any]) -> Signal | None:
    """Of stride 1 it is a convolution with the kernel turned around."""
    weight, bias = _detached(given.get("weight")), _detached(given.get("bias"))
    if not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        return None
    rank, groups = weight.ndim - 2, int(given.get("groups", 1))
    stride, dilation = (
        spatial(given.get("stride", 1), rank),
        spatial(given.get("dilation", 1), rank),
    )
    padding = tuple(
        step * (extent - 1) - cut
        for step, extent, cut in zip(
            dilation, weight.shape[2:], spatial(given.get("padding", 0), rank), strict=True
        )
    )
    if any(step != 1 for step in stride) or any(extent < 0 for extent in padding):
        return None
    if any(spatial(given.get("output_padding", 0), rank)):
        return None
    turned = weight.flip(tuple(range(2, weight.ndim))).unflatten(0, (groups, -1)).transpose(1, 2)
    arguments = {
        "weight": turned.flatten(0, 1).contiguous(),
        "bias": bias,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    return call.emit(OperationKind.CONVOLUTION, given["input"], arguments)


def _linear(call: Call, given: dict[str, Any]) -> Signal | None:
    weight, bias = _detached(given.get("weight")), _detached(given.get("bias"))
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        return None
    return call.emit(OperationKind.LINEAR, given["input"], {"weight": weight, "bias": bias})


def _matmul(call: Call, given: dict[str, Any]) -> Signal | None:
    other = _detached(given.get("other"))
    if not isinstance(other, Tensor) or other.ndim != 2:
        return None
    return call.emit(OperationKind.LINEAR, given["input"], {"weight": other.t(), "bias": None})


def _batch_norm(call: Call, given: dict[str, Any]) -> Signal | None:
    mean, variance = _detached(given["running_mean"]), _detached(given["running_var"])
    if mean is None or variance is None or given.get("training"):
        call.refuse(
            f"{call.label} with the statistics of the batch", "batch norm in running statistics"
        )
        return None
    weight, bias = _detached(given.get("weight")), _detached(given.get("bias"))
    return call.emit(
        OperationKind.NORM,
        given["input"],
        {
            "running_mean": mean,
            "running_var": variance,
            "weight": torch.ones_like(mean) if weight is None else weight,
            "bias": torch.zeros_like(mean) if bias is None else bias,
            "eps": float(given.get("eps", 1e-5)),
        },
    )


WEIGHT_BUILDERS = {
    "convolution": _convolution,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "matmul": _matmul,
    "batch_norm": _batch_norm,
}
