"""What a traced model is turned into: linear blocks, each followed by a neuron or the readout."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as functional
from torch import Tensor


@dataclass(frozen=True)
class PoolShape:
    """Max pooling: kernel, stride and padding as (rows, columns)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Block:
    """A linear map, an optional max pooling in front of the neuron, and the neuron or readout.

    Attributes:
        name: path of the linear module in the model.
        weight: (out channels, in channels, kernel rows, kernel columns); a linear layer is a
            convolution whose kernel covers its whole input map.
        bias: (out channels,).
        stride: (rows, columns); padding: (top, left, bottom, right).
        pool: pooling on currents, or None.
        fires: neurons follow; False for the block that is read out.
        elementwise: it was a linear layer, whose neurons have a threshold each (eq. 17).
    """

    name: str
    weight: Tensor
    bias: Tensor
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pool: PoolShape | None = None
    fires: bool = True
    elementwise: bool = False

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Block:
        """The block on another device or in another type."""
        return replace(self, weight=self.weight.to(device, dtype), bias=self.bias.to(device, dtype))


def linear_current(block: Block, inputs: Tensor, *, with_bias: bool = True) -> Tensor:
    """Current before pooling: (images, out channels, rows, columns)."""
    top, left, bottom, right = block.padding
    bias = block.bias if with_bias else None
    if top == bottom and left == right:
        return functional.conv2d(inputs, block.weight, bias, block.stride, (top, left))
    padded = functional.pad(inputs, (left, right, top, bottom))
    return functional.conv2d(padded, block.weight, bias, block.stride)


def pooled(block: Block, current: Tensor) -> Tensor:
    """Maximum over the pooling positions (Theorem 2: pooling and ReLU commute)."""
    if block.pool is None:
        return current
    return functional.max_pool2d(current, block.pool.kernel, block.pool.stride, block.pool.padding)


def pooled_current(block: Block, inputs: Tensor) -> Tensor:
    """What the neuron receives for analog inputs: (images, out channels, rows, columns)."""
    return pooled(block, linear_current(block, inputs))


def analog_forward(blocks: tuple[Block, ...], inputs: Tensor) -> Tensor:
    """The traced network itself, ReLU in place of neurons: (images, classes)."""
    for block in blocks:
        inputs = pooled_current(block, inputs)
        if block.fires:
            inputs = inputs.relu_()
    return inputs.flatten(1)
