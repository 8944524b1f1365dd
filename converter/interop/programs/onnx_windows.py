"""ONNX's operators whose windows slide over a map, as calls of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from ....golden.basics.arithmetic import ceil_div
from ....golden.errors import RheobaseError
from .onnx_node import Node


def convolution(node: Node, x: Any, weight: Any, bias: Any = None) -> Any:
    rank = weight.ndim - 2
    stride, dilation = (node.get(name, [1] * rank) for name in ("strides", "dilations"))
    x, padding = _padded(node, x, weight.shape[2:], stride, dilation, 0.0)
    function = getattr(functional, f"conv{rank}d")
    return function(x, weight, bias, stride, padding, dilation, node.get("group", 1))


def conv_transpose(node: Node, x: Any, weight: Any, bias: Any = None) -> Any:
    rank = weight.ndim - 2
    stride, dilation = (node.get(name, [1] * rank) for name in ("strides", "dilations"))
    pads, more = node.get("pads", [0] * 2 * rank), node.get("output_padding", [0] * rank)
    if pads[:rank] != pads[rank:] or "output_shape" in node.attributes or _auto(node):
        raise RheobaseError("ONNX: ConvTranspose with pads that differ on two sides")
    function = getattr(functional, f"conv_transpose{rank}d")
    return function(x, weight, bias, stride, pads[:rank], more, node.get("group", 1), dilation)


def _auto(node: Node) -> str:
    found = node.get("auto_pad", "NOTSET")
    return "" if found in ("NOTSET", "VALID") else found


def _pads(
    node: Node,
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[list[int], list[int]]:
    """Padding in front of and behind each dimension."""
    rank = len(kernel)
    if not _auto(node):
        pads = node.get("pads", [0] * 2 * rank) if node.get("auto_pad") != "VALID" else []
        pads = pads or [0] * 2 * rank
        return pads[:rank], pads[rank:]
    front, back = [], []
    for axis in range(rank):
        size, extent = x.shape[2 + axis], (kernel[axis] - 1) * dilation[axis] + 1
        whole = max(0, (ceil_div(size, stride[axis]) - 1) * stride[axis] + extent - size)
        less, more = whole // 2, whole - whole // 2
        upper = _auto(node) == "SAME_UPPER"
        front.append(less if upper else more)
        back.append(more if upper else less)
    return front, back


def _padded(
    node: Node,
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    value: float,
) -> tuple[Any, list[int]]:
    """``x`` and the padding that is left to do: none where the sides differ."""
    front, back = _pads(node, x, kernel, stride, dilation)
    if front == back:
        return x, front
    sides = [side for pair in zip(reversed(front), reversed(back), strict=True) for side in pair]
    return functional.pad(x, sides, value=value), [0] * len(front)


def max_pool(node: Node, x: Any) -> Any:
    kernel = node.attributes["kernel_shape"]
    rank = len(kernel)
    stride, dilation = (node.get(name, [1] * rank) for name in ("strides", "dilations"))
    front, back = _pads(node, x, kernel, stride, dilation)
    ceil = bool(node.get("ceil_mode", 0))
    if front != back:
        # Windows that reach beyond the end of the map are those of ceil_mode.
        for axis in range(rank):
            extent = (kernel[axis] - 1) * dilation[axis] + 1
            size = x.shape[2 + axis] + 2 * front[axis] - extent
            wanted = (size - front[axis] + back[axis]) // stride[axis]
            if front[axis] != back[axis] and ceil_div(size, stride[axis]) != wanted:
                raise RheobaseError(
                    f"ONNX: MaxPool with pads {front} and {back}, must be alike on both sides"
                )
        ceil = True
    function = getattr(functional, f"max_pool{rank}d")
    return function(x, kernel, stride, front, dilation, ceil)


def average_pool(node: Node, x: Any) -> Any:
    kernel = node.attributes["kernel_shape"]
    rank = len(kernel)
    stride = node.get("strides", [1] * rank)
    counts = bool(node.get("count_include_pad", 0))
    front, back = _pads(node, x, kernel, stride, [1] * rank)
    if front != back and not counts:
        raise RheobaseError(
            f"ONNX: AveragePool with pads {front} and {back}, must be alike on both sides"
        )
    if front != back:
        x, front = _padded(node, x, kernel, stride, [1] * rank, 0.0)
    function = getattr(functional, f"avg_pool{rank}d")
    return function(x, kernel, stride, front, bool(node.get("ceil_mode", 0)), counts)


def global_average(_node: Node, x: Any) -> Any:
    return getattr(functional, f"adaptive_avg_pool{x.ndim - 2}d")(x, 1)


def global_max(_node: Node, x: Any) -> Any:
    return torch.amax(x, list(range(2, x.ndim)), True)
