"""The kernel that a fit may change, what it sees, and its rounding with error feedback.

Rounding works on the mean squares of a layer's inputs, so it costs one matrix product over samples
and a factorisation per layer: no gradient descent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..graph.graph import Graph, Operation, OperationKind
from .kernel_fit import by_group

#: Part of the mean square added to the diagonal before a factorisation for rounding.
_DAMPING = 0.01
#: Scales that are tried for rounding, as parts of the one that just holds the largest weight.
_SCALES = tuple(0.5 + 0.05 * index for index in range(12))


@dataclass(frozen=True, eq=False)
class Adjustable:
    """The one operation whose weights make a layer's current.

    Attributes:
        weighted: a convolution or linear layer.
        pooled: max pooling stands between it and the neurons, so that a neuron's current comes from
            another place of the map in each channel.
    """

    weighted: Operation
    pooled: bool

    @property
    def groups(self) -> int:
        return kernel_groups(self.weighted)

    @property
    def inputs(self) -> int:
        """Of all groups."""
        return self.groups * self.weighted.arguments["weight"][0].numel()


def adjustable(graph: Graph, current: str) -> Adjustable | None:
    """The one convolution or linear layer whose result reaches ``current`` unchanged in place.

    Between it and the neurons there are only sums, constants and at most one max pooling. None
    where there are several such, or none.
    """
    found, pools = _reached(graph, current)
    pooled = not found and len(pools) == 1
    if pooled:
        current = pools[0].inputs[0]
        found, pools = _reached(graph, current)
    if len(found) != 1:
        return None
    only = len(graph.consumers[found[0].name]) <= 1
    if not only or found[0].shape != graph.by_name[current].shape:
        return None
    return Adjustable(found[0], pooled)


def _reached(graph: Graph, current: str) -> tuple[list[Operation], list[Operation]]:
    """Weighted operations, and max pooling, behind which nothing was looked for."""
    found, pools, waiting = [], [], [current]
    while waiting:
        operation = graph.by_name[waiting.pop()]
        if _is_weighted(operation):
            found.append(operation)
        elif operation.kind == OperationKind.MAX_POOL:
            pools.append(operation)
        elif operation.kind == OperationKind.ADD:
            if any(scale != 1 for scale in operation.arguments["scales"]):
                return [], []
            waiting.extend(operation.inputs)
        elif _is_shift(operation):
            waiting.extend(operation.inputs)
    return found, pools


def channel_sources(graph: Graph, name: str) -> tuple[Operation, ...]:
    """Operations whose channels, one after the other, an operation's result has.

    Constants that are added, and zeros around a map, do not count. Only a concatenation of channels
    has more than one.
    """
    operation = graph.by_name[name]
    while _is_shift(operation) or _is_zero_padding(operation):
        operation = graph.by_name[operation.inputs[0]]
    if operation.kind != OperationKind.CONCATENATE or operation.arguments["dimension"] != 0:
        return (operation,)
    return tuple(part for source in operation.inputs for part in channel_sources(graph, source))


def _is_shift(operation: Operation) -> bool:
    if operation.kind != OperationKind.AFFINE:
        return False
    return bool((operation.arguments["scale"] == 1).all())


def _is_zero_padding(operation: Operation) -> bool:
    if operation.kind != OperationKind.PAD:
        return False
    given = operation.arguments
    return given["mode"] == "constant" and given["value"] == 0 and not any(given["padding"][0])


def kernel_groups(operation: Operation) -> int:
    """Groups of a convolution; a linear layer is one."""
    return operation.arguments.get("groups", 1)


def has_one_matrix(operation: Operation) -> bool:
    """Whether its weights are one matrix, the same in every place of its map."""
    return _is_weighted(operation) and kernel_groups(operation) == 1


def _is_weighted(operation: Operation) -> bool:
    if operation.kind == OperationKind.LINEAR:
        return len(operation.shape) == 1
    return operation.kind == OperationKind.CONVOLUTION and operation.arguments["weight"].ndim == 4


def patches(operation: Operation, x: Tensor, positions: Tensor) -> Tensor:
    """What ``operation`` sees at some positions: (images * positions, inputs of all groups).

    Args:
        x: (images, *shape of its input).
        positions: (images, positions) of its flattened map.
    """
    if operation.kind == OperationKind.LINEAR:
        return x
    given = operation.arguments
    down, right = given["padding"]
    if down or right:
        x = functional.pad(x, (right, right, down, down))
    (rows, columns), width = given["weight"].shape[2:], operation.shape[2]
    row = (positions // width * given["stride"][0])[..., None, None]
    column = (positions % width * given["stride"][1])[..., None, None]
    row = row + torch.arange(rows, device=x.device)[:, None] * given["dilation"][0]
    column = column + torch.arange(columns, device=x.device) * given["dilation"][1]
    index = (row * x.shape[3] + column).flatten(2)  # (images, positions, cells of the kernel)
    seen = x.flatten(2).gather(2, index.flatten(1)[:, None].expand(-1, x.shape[1], -1))
    return seen.unflatten(2, index.shape[1:]).transpose(1, 2).flatten(2).flatten(0, 1)


def rounded_weights(
    weight: Tensor,
    worth: Tensor,
    inputs: Tensor,
    bits: int,
    *,
    per_channel: bool,
    shortcut: Tensor | None = None,
    groups: int = 1,
) -> tuple[Tensor, Tensor]:
    """Weights that are integers times a scale, with the least error of the layer's currents.

    Columns are rounded one by one, and each one's error is made good by those that follow, as
    far as inputs are correlated (optimal brain surgeon; Frantar et al., GPTQ, 2022).

    Args:
        weight: (outputs, inputs of a group).
        worth: (inputs,): what a spike (or pixel) of each input is worth; integers are of
            weight times worth.
        inputs: (samples, inputs): mean inputs in the model's units.
        bits: 2..8.
        per_channel: a scale for each output, else one for all.
        shortcut: (outputs,): what a spike of an identity beside the kernel is worth, zero where
            there is none: with a scale for each output, scales are those of which it is a multiple.
        groups: of the kernel, one after the other in weights and inputs.

    Returns:
        The weights in the model's units (outputs, inputs of a group), and the scales (outputs,).
    """
    worth = worth.reshape(groups, 1, -1)
    real = (weight.unflatten(0, (groups, -1)) * worth).double()
    seen = (by_group(inputs, groups) / worth).double()
    squares = seen.mT @ seen / len(inputs)
    largest = real.abs().amax(dim=2).flatten()
    if not per_channel:
        largest = largest.max().expand_as(largest)
    largest = torch.where(largest > 0, largest, 1.0)
    high, low = 2 ** (bits - 1) - 1, -(2 ** (bits - 1))
    mean = squares.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    damped = squares + torch.eye(squares.shape[1], dtype=squares.dtype, device=squares.device) * (
        _DAMPING * mean + 1e-12
    )
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    factor = torch.linalg.cholesky(inverse, upper=True)
    best = torch.full_like(largest, torch.inf)
    found, scales = real.clone(), largest / high
    for part in _SCALES if bits < 8 else (1.0,):
        scale = largest * part / high
        if per_channel and shortcut is not None:
            units = torch.floor(shortcut.double().abs() / scale)
            scale = torch.where(units > 0, shortcut.double().abs() / units, scale)
        candidate = _with_feedback(real, factor, scale.reshape(groups, -1, 1), low, high)
        error = ((candidate - real) @ squares * (candidate - real)).sum(dim=2).flatten()
        if not per_channel:
            error = error.sum().expand_as(error)
        better = error < best
        best = torch.where(better, error, best)
        found = torch.where(better.reshape(groups, -1, 1), candidate, found)
        scales = torch.where(better, scale, scales)
    return (found / worth).flatten(0, 1).to(weight.dtype), scales


def _with_feedback(real: Tensor, factor: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    """``real`` (groups, outputs, inputs) in whole ``scale`` (groups, outputs, 1)."""
    left, result = real.clone(), torch.empty_like(real)
    for column in range(real.shape[2]):
        here = slice(column, column + 1)
        value = left[:, :, here]
        rounded = torch.round(value / scale).clamp_(low, high) * scale
        result[:, :, here] = rounded
        error = (value - rounded) / factor[:, here, here]
        left[:, :, column + 1 :] -= error * factor[:, here, column + 1 :]
    return result
