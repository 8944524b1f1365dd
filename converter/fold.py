"""Chain of operations to blocks: batch normalisation folded, pooling moved in front of neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .blocks import Block, PoolShape
from .refusal import Refusal, refuse
from .shapes import output_shape
from .trace import CONVOLUTION, FLATTEN, LINEAR, NORM, POOL, RELU, SOFTMAX, Operation


def fold_chain(
    operations: list[Operation],
) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Blocks of a chain, in float64 on the CPU, and the paths of what was left out at its end.

    Max pooling before or after ReLU becomes pooling on currents (Theorem 2); a softmax at the end
    does not change the answer and is left out.

    Raises:
        RheobaseError: every operation that stands where it cannot be lowered, by its path.
    """
    refusals: list[Refusal] = []
    blocks: list[Block] = []
    left_out: list[str] = []
    after_linear = activated = False
    for operation in operations:
        kind, path = operation.kind, operation.path
        if left_out:
            refusals.append(Refusal(path, f"{kind} after softmax", "nothing"))
        elif kind in (CONVOLUTION, LINEAR):
            if blocks and not activated:
                refusals.append(
                    Refusal(path, f"{kind} after {blocks[-1].name} without ReLU", "ReLU in between")
                )
            block = _linear_block(operation, refusals)
            if block is not None:
                blocks.append(block)
            after_linear, activated = True, False
        elif kind == FLATTEN:
            _check_flatten(operation, refusals)
        elif not blocks:
            refusals.append(Refusal(path, f"{kind} before any convolution", "Conv2d or Linear"))
        elif kind == NORM:
            if not after_linear:
                accepted = "batch norm directly after Conv2d or Linear"
                refusals.append(Refusal(path, kind, accepted))
            else:
                blocks[-1] = _normalised(blocks[-1], operation.arguments)
            after_linear = False
        elif kind == RELU:
            activated, after_linear = True, False
        elif kind == POOL:
            blocks[-1] = _pooled_block(blocks[-1], operation, refusals)
            after_linear = False
        elif kind == SOFTMAX:
            left_out.append(path)
    if not blocks and not refusals:
        refusals.append(Refusal("model", "no linear layer", "at least one Conv2d or Linear"))
    elif activated:
        refusals.append(Refusal("model", "ReLU at the end", "a linear layer as the last one"))
    elif blocks and blocks[-1].pool is not None:
        refusals.append(Refusal(blocks[-1].name, "max pool at the end", "a linear layer"))
    refuse(refusals)
    blocks[-1] = replace(blocks[-1], fires=False)
    return tuple(blocks), tuple(left_out)


def _linear_block(operation: Operation, refusals: list[Refusal]) -> Block | None:
    arguments = operation.arguments
    weight = arguments["weight"].detach().to("cpu", torch.float64)
    if operation.kind == LINEAR:
        if len(operation.input_shape) != 1:
            accepted = "Linear on a flattened map"
            refusals.append(Refusal(operation.path, f"Linear on {operation.input_shape}", accepted))
            return None
        # The map's shape is filled in once the block before is known (``shaped``).
        return Block(
            operation.path,
            weight[:, :, None, None],
            _bias(arguments, len(weight)),
            elementwise=True,
        )
    problems = [
        (f"groups={arguments['groups']}", arguments["groups"] != 1),
        (f"dilation={arguments['dilation']}", _pair(arguments["dilation"]) != (1, 1)),
        (f"padding_mode={arguments['padding_mode']!r}", arguments["padding_mode"] != "zeros"),
    ]
    for what, wrong in problems:
        if wrong:
            accepted = "groups=1, dilation=1, zero padding"
            refusals.append(Refusal(operation.path, f"Conv2d with {what}", accepted))
            return None
    kernel = (weight.shape[2], weight.shape[3])
    padding = _padding(arguments["padding"], kernel)
    if any(padding[axis] >= kernel[axis % 2] for axis in range(4)):
        accepted = "padding smaller than the kernel"
        refusals.append(Refusal(operation.path, f"Conv2d with padding {padding}", accepted))
        return None
    return Block(
        operation.path,
        weight,
        _bias(arguments, len(weight)),
        stride=_pair(arguments["stride"]),
        padding=padding,
    )


def _bias(arguments: dict[str, Any], channels: int) -> Tensor:
    bias = arguments["bias"]
    if bias is None:
        return torch.zeros(channels, dtype=torch.float64)
    return bias.detach().to("cpu", torch.float64)


def _padding(padding: Any, kernel: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of torch's padding argument."""
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding == "same":
        # torch puts the odd one at the end.
        total = [extent - 1 for extent in kernel]
        before = [extent // 2 for extent in total]
        return (before[0], before[1], total[0] - before[0], total[1] - before[1])
    rows, columns = _pair(padding)
    return (rows, columns, rows, columns)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return (value, value)
    values = tuple(int(number) for number in value)
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])


def _normalised(block: Block, arguments: dict[str, Any]) -> Block:
    """Batch normalisation in the running statistics, folded into weight and bias."""
    mean = arguments["running_mean"].detach().to("cpu", torch.float64)
    variance = arguments["running_var"].detach().to("cpu", torch.float64)
    gain = torch.rsqrt(variance + arguments["eps"])
    if arguments["weight"] is not None:
        gain = gain * arguments["weight"].detach().to("cpu", torch.float64)
    shift = _bias(arguments, len(mean))
    return replace(
        block,
        weight=block.weight * gain[:, None, None, None],
        bias=(block.bias - mean) * gain + shift,
    )


def _pooled_block(block: Block, operation: Operation, refusals: list[Refusal]) -> Block:
    arguments = operation.arguments
    kernel = _pair(arguments["kernel_size"])
    stride = arguments["stride"]
    pool = PoolShape(
        kernel=kernel,
        stride=_pair(stride) if stride not in (None, []) else kernel,
        padding=_pair(arguments["padding"]),
    )
    problems = [
        ("a second pooling", block.pool is not None),
        ("dilation", _pair(arguments["dilation"]) != (1, 1)),
        ("ceil_mode", bool(arguments["ceil_mode"])),
        ("return_indices", bool(arguments["return_indices"])),
    ]
    for what, wrong in problems:
        if wrong:
            accepted = "one MaxPool2d without dilation, ceil_mode and return_indices"
            refusals.append(Refusal(operation.path, f"MaxPool2d with {what}", accepted))
            return block
    return replace(block, pool=pool)


def _check_flatten(operation: Operation, refusals: list[Refusal]) -> None:
    """A reshape must leave one image's values in one row, in their order, or change nothing."""
    if operation.output_shape == operation.input_shape:
        return
    size = 1
    for extent in operation.input_shape:
        size *= extent
    if operation.output_shape != (size,):
        what = f"reshape of {operation.input_shape} to {operation.output_shape}"
        refusals.append(Refusal(operation.path, what, "flatten to (images, values)"))


def shaped(blocks: tuple[Block, ...], input_shape: tuple[int, int, int]) -> tuple[Block, ...]:
    """Blocks whose linear layers are convolutions over the map that they flatten."""
    result = []
    current = input_shape
    for block in blocks:
        if block.elementwise:
            block = replace(block, weight=block.weight.reshape(-1, *current))
        result.append(block)
        current = output_shape(block, current)
    return tuple(result)
