"""What each kind of operation computes, by torch, on tensors with a batch in front."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor

from .graph import Operation, OperationKind, per_channel

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_MAX_POOLS = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_AVERAGE_POOLS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
_ADAPTIVE_POOLS = {
    1: functional.adaptive_avg_pool1d,
    2: functional.adaptive_avg_pool2d,
    3: functional.adaptive_avg_pool3d,
}


def _convolution(operation: Operation, x: Tensor) -> Tensor:
    given = operation.arguments
    # Weights of zeros and ones that pick values are in no model's type.
    return _CONVOLUTIONS[given["weight"].ndim - 2](
        x,
        given["weight"].to(x.dtype),
        given["bias"],
        given["stride"],
        given["padding"],
        given["dilation"],
        given["groups"],
    )


def _linear(operation: Operation, x: Tensor) -> Tensor:
    return functional.linear(x, operation.arguments["weight"], operation.arguments["bias"])


def _norm(operation: Operation, x: Tensor) -> Tensor:
    given = operation.arguments
    return functional.batch_norm(
        x,
        given["running_mean"],
        given["running_var"],
        given["weight"],
        given["bias"],
        training=False,
        eps=given["eps"],
    )


def _relu(operation: Operation, x: Tensor) -> Tensor:
    cap, levels = operation.arguments["cap"], operation.arguments["levels"]
    slope = operation.arguments["slope"]
    if slope is not None:
        return x.clamp(min=0.0) + per_channel(slope.to(x.dtype), x.ndim) * x.clamp(max=0.0)
    if cap is None:
        return x.relu()
    if levels is None:
        return x.clamp(0.0, cap)
    return torch.floor(x * (levels / cap) + 0.5).clamp_(0, levels) * (cap / levels)


def _max_pool(operation: Operation, x: Tensor) -> Tensor:
    given = operation.arguments
    return _MAX_POOLS[len(given["kernel"])](
        x,
        given["kernel"],
        given["stride"],
        given["padding"],
        given["dilation"],
        given["ceil_mode"],
    )


def _average_pool(operation: Operation, x: Tensor) -> Tensor:
    given = operation.arguments
    rank = len(given["kernel"])
    more = (given["divisor"],) if rank > 1 else ()
    return _AVERAGE_POOLS[rank](
        x,
        given["kernel"],
        given["stride"],
        given["padding"],
        given["ceil_mode"],
        given["count_include_pad"],
        *more,
    )


def _adaptive_average_pool(operation: Operation, x: Tensor) -> Tensor:
    size = operation.arguments["size"]
    return _ADAPTIVE_POOLS[len(size)](x, size)


def _mix(operation: Operation, x: Tensor) -> Tensor:
    return torch.einsum("oi,ni...->no...", operation.arguments["matrix"].to(x), x)


def _add(operation: Operation, *inputs: Tensor) -> Tensor:
    scales = operation.arguments["scales"]
    total = inputs[0] if scales[0] == 1 else inputs[0] * scales[0]
    for value, scale in zip(inputs[1:], scales[1:], strict=True):
        total = torch.add(total, value, alpha=scale)
    return total


def _concatenate(operation: Operation, *inputs: Tensor) -> Tensor:
    return torch.cat(inputs, dim=operation.arguments["dimension"] + 1)


def _slice(operation: Operation, x: Tensor) -> Tensor:
    return x[(slice(None), *(slice(*part) for part in operation.arguments["ranges"]))]


def _pad(operation: Operation, x: Tensor) -> Tensor:
    given = operation.arguments
    # torch wants the last dimension first.
    pairs = [extent for part in reversed(given["padding"]) for extent in part]
    if given["mode"] == "constant":
        return functional.pad(x, pairs, value=given["value"])
    while len(pairs) > 2 and pairs[-2:] == [0, 0]:
        pairs = pairs[:-2]
    return functional.pad(x, pairs, mode=given["mode"])


def _reshape(operation: Operation, x: Tensor) -> Tensor:
    order = operation.arguments["permutation"]
    if order is not None:
        x = x.permute(0, *(dimension + 1 for dimension in order))
    return x.reshape(len(x), *operation.shape)


def _affine(operation: Operation, x: Tensor) -> Tensor:
    return x * operation.arguments["scale"] + operation.arguments["shift"]


def _interpolate(operation: Operation, x: Tensor) -> Tensor:
    given = operation.arguments
    return functional.interpolate(
        x, size=given["size"], mode=given["mode"], align_corners=given["align_corners"]
    )


def _float(operation: Operation, *inputs: Tensor) -> Tensor:
    return operation.arguments["function"](*inputs)


def _input(_operation: Operation, *inputs: Tensor) -> Tensor:
    return inputs[0]


_KERNELS: dict[OperationKind, Callable[..., Tensor]] = {
    OperationKind.INPUT: _input,
    OperationKind.CONVOLUTION: _convolution,
    OperationKind.LINEAR: _linear,
    OperationKind.NORM: _norm,
    OperationKind.RELU: _relu,
    OperationKind.MAX_POOL: _max_pool,
    OperationKind.AVERAGE_POOL: _average_pool,
    OperationKind.ADAPTIVE_AVERAGE_POOL: _adaptive_average_pool,
    OperationKind.MIX: _mix,
    OperationKind.ADD: _add,
    OperationKind.CONCATENATE: _concatenate,
    OperationKind.SLICE: _slice,
    OperationKind.PAD: _pad,
    OperationKind.RESHAPE: _reshape,
    OperationKind.AFFINE: _affine,
    OperationKind.INTERPOLATE: _interpolate,
    OperationKind.FLOAT: _float,
}


def run_operation(operation: Operation, *inputs: Tensor) -> Tensor:
    """The result for ``inputs``, each (images, *shape of that input), in the model's units.

    A RELU with ``levels`` is run as the model does, in steps.
    """
    return _KERNELS[operation.kind](operation, *inputs)
