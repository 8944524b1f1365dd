"""NIR's convolutions as operations of the graph that is lowered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ....golden.errors import shown
from ...graph.graph import OperationKind
from ...graph.graph_builder import GraphBuilder, Signal
from .nir_nodes import Node, emit
from .nir_values import Unsuitable, extents, finite, numbers, per_map


def convolution(builder: GraphBuilder, node: Node, signal: Signal) -> Signal:
    """``Conv1d`` or ``Conv2d``; one that only moves or scales maps becomes just that.

    Raises:
        Unsuitable: it does not fit what it sees.
    """
    found, name = node.node, node.name
    weight, bias = finite(found.weight, "weights"), finite(found.bias, "biases")
    dimensions = weight.ndim - 2
    groups = numbers("groups", found.groups, 1)[0]
    if len(signal.shape) != weight.ndim - 1:
        accepted = "(channels, length)" if dimensions == 1 else "(channels, rows, columns)"
        raise Unsuitable(f"on {extents(signal.shape)}", accepted)
    if weight.shape[1] * groups != signal.shape[0] or bias.shape != weight.shape[:1]:
        raise Unsuitable(
            f"weights {extents(weight.shape)} in {groups} groups and {bias.size} biases, on "
            f"{signal.shape[0]} channels",
            "weights (out, in / groups, kernel) and a bias for each output channel",
        )
    stride = numbers("stride", found.stride, dimensions)
    dilation = numbers("dilation", found.dilation, dimensions)
    extent = [(weight.shape[2 + axis] - 1) * dilation[axis] + 1 for axis in range(dimensions)]
    padding, signal = _padding(builder, node, signal, stride, extent)
    gain = _channel_gain(weight, groups, stride, padding)
    if gain is not None and signal.name == builder.operations["input"].name:
        # What tools put in front for the mean of images is a normalisation of the image.
        scale, shift = (per_map(values, signal.shape) for values in (gain, bias))
        return emit(
            builder, name, OperationKind.AFFINE, signal, signal.shape, scale=scale, shift=shift
        )
    size = [
        (signal.shape[1 + axis] + 2 * padding[axis] - extent[axis]) // stride[axis] + 1
        for axis in range(dimensions)
    ]
    margins = _margins(weight, bias, groups, stride, padding, dilation)
    if margins is not None:
        return emit(
            builder,
            name,
            OperationKind.PAD,
            signal,
            (len(weight), *size),
            padding=((0, 0), *margins),
            mode="constant",
            value=0.0,
        )
    return emit(
        builder,
        name,
        OperationKind.CONVOLUTION,
        signal,
        (len(weight), *size),
        weight=torch.from_numpy(weight),
        bias=torch.from_numpy(bias),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _padding(
    builder: GraphBuilder, node: Node, signal: Signal, stride: Sequence[int], extent: Sequence[int]
) -> tuple[tuple[int, ...], Signal]:
    """Padding, the same on either side; where it is not, of nothing, behind a padding."""
    padding = node.node.padding
    if isinstance(padding, bytes):
        padding = padding.decode(errors="replace")
    if not isinstance(padding, str):
        return numbers("padding", padding, len(extent), least=0), signal
    nothing = (0,) * len(extent)
    if padding == "valid":
        return nothing, signal
    if padding != "same" or any(step != 1 for step in stride):
        raise Unsuitable(f"padding {shown(padding)}", "numbers, valid, or same with stride 1")
    margins = [(0, 0), *(((side - 1) // 2, side // 2) for side in extent)]
    if all(before == after for before, after in margins):
        return tuple(before for before, _ in margins[1:]), signal
    shape = [
        size + before + after for size, (before, after) in zip(signal.shape, margins, strict=True)
    ]
    padded = emit(
        builder,
        f"{node.name}.pad",
        OperationKind.PAD,
        signal,
        shape,
        padding=tuple(margins),
        mode="constant",
        value=0.0,
    )
    return nothing, padded


def _margins(
    weight: np.ndarray,
    bias: np.ndarray,
    groups: int,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[tuple[int, int]] | None:
    """(before, after) by dimension of a kernel that puts zeros around each map; None of others."""
    taps = weight.reshape(len(weight), -1)
    first = np.flatnonzero(taps[0])
    single = np.zeros_like(taps[:1])
    single[:, first] = 1
    moves = groups == len(weight) and weight.shape[1] == 1 and len(first) == 1
    if not moves or np.any(taps != single) or bias.any() or any(step != 1 for step in stride):
        return None
    margins = []
    for axis, place in enumerate(np.unravel_index(int(first[0]), weight.shape[2:])):
        behind = weight.shape[2 + axis] - 1 - int(place)
        before = padding[axis] - int(place) * dilation[axis]
        margins.append((before, padding[axis] - behind * dilation[axis]))
    return margins


def _channel_gain(
    weight: np.ndarray, groups: int, stride: Sequence[int], padding: Sequence[int]
) -> np.ndarray | None:
    """(channels,) of a kernel that multiplies each channel alone by a number; None of others."""
    if any(side != 1 for side in (*weight.shape[2:], *stride)) or any(padding):
        return None
    square = weight.reshape(len(weight), -1)
    if square.shape[1] == 1 and groups == len(weight):
        gain = square[:, 0]
    elif groups == 1 and square.shape[0] == square.shape[1]:
        gain = np.diag(square)
        if np.any(square != np.diag(gain)):
            return None
    else:
        return None
    return gain if gain.all() else None
