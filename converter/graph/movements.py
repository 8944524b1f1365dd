"""What operations that only move values do to channels, found by moving numbers of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def element_numbers(shape: Sequence[int]) -> Tensor:
    """One image (1, *shape) whose elements are their own places; exact in float64."""
    count = int(torch.Size(shape).numel())
    return torch.arange(count, dtype=torch.float64).reshape(1, *shape)


def keeps_order(moved: Tensor) -> bool:
    """Whether every element still is where it was, whatever the shape now is."""
    flat = moved.flatten()
    return bool((flat == torch.arange(len(flat), dtype=flat.dtype)).all())


def gathered_channels(moved: Tensor, shape: Sequence[int]) -> Tensor | None:
    """Which channel of a map of ``shape`` each channel of ``moved`` is: (channels,) integers.

    None where pixels moved, or where the shape of a channel is another.
    """
    if moved.ndim != len(shape) + 1 or tuple(moved.shape[2:]) != tuple(shape[1:]):
        return None
    area = int(torch.Size(shape[1:]).numel())
    flat = moved[0].reshape(moved.shape[1], area)
    channels = torch.div(flat[:, :1], area, rounding_mode="floor")
    if bool((flat != channels * area + torch.arange(area, dtype=flat.dtype)).any()):
        return None
    return channels.flatten().long()


def gathering_matrix(channels: Tensor, inputs: int) -> Tensor:
    """(len(channels), inputs) of zeros and ones that picks ``channels``."""
    return torch.nn.functional.one_hot(channels, inputs).to(torch.float64)


def picking_convolution(moved: Tensor, shape: Sequence[int]) -> dict[str, Any] | None:
    """Space to depth, as arguments of a CONVOLUTION whose weights are zeros and ones.

    None where ``moved`` is not every channel's every n-th row and m-th column from some place on.
    """
    if len(shape) != 3 or moved.ndim != 4:
        return None
    channels, rows, columns = shape
    outs, *size = moved.shape[1:]
    stride = (rows // size[0], columns // size[1]) if min(size) else (0, 0)
    if 0 in stride or (size[0] * stride[0], size[1] * stride[1]) != (rows, columns):
        return None
    first = moved[0, :, 0, 0].long()
    own, row, column = (
        first // (rows * columns),
        first // columns % rows,
        first % columns,
    )
    if int(row.max()) >= stride[0] or int(column.max()) >= stride[1]:
        return None
    down = torch.arange(size[0])[:, None] * stride[0] * columns
    across = torch.arange(size[1])[None] * stride[1]
    if bool((moved[0] != first[:, None, None] + down + across).any()):
        return None
    weight = torch.zeros(outs, channels, *stride, dtype=torch.float64)
    weight[torch.arange(outs), own, row, column] = 1.0
    return {
        "weight": weight,
        "bias": None,
        "stride": stride,
        "padding": (0, 0),
        "dilation": (1, 1),
        "groups": 1,
    }
