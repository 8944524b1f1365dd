"""What each operation of a graph makes of sums of terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...golden.basics.axes import per_axis
from ..graph.float_roles import KEEPS_ORDER
from ..graph.graph import Graph, Operation, OperationKind, norm_affine
from ..linear import linear_operations as linear
from ..linear.terms import (
    Flat,
    Kernel,
    NotLowerable,
    Padding,
    Pair,
    Value,
    source_value,
    window_size,
)
from ..rewrite.nonlinear import weighted_behind

_FLOAT_ONLY = "nothing, it is float-only"
_OTHERS = "others are float-only"
#: Where values are moved that no network moves (``arrangement``).
_LAST_MOVES = ", or nothing behind it but reshape, permute, cat and slices"
_POOLS = {
    OperationKind.MAX_POOL,
    OperationKind.AVERAGE_POOL,
    OperationKind.ADAPTIVE_AVERAGE_POOL,
}


@dataclass(frozen=True)
class PoolShape:
    """Max pooling in front of the neuron: kernel, stride, padding as (rows, columns)."""

    kernel: Pair
    stride: Pair
    padding: Pair

    def size_for(self, size: Pair) -> Pair:
        """Rows and columns of the result for a map of ``size``."""
        return window_size(size, _either_side(self.padding), self.kernel, self.stride)


@dataclass(frozen=True, eq=False)
class PooledValue:
    """A map under max pooling, which only neurons can take.

    ``missing`` rows and columns beyond the map belong to the last windows (``ceil_mode``).
    """

    value: Value
    pool: PoolShape
    missing: Pair


def result_terms(
    operation: Operation, inputs: list[Value | Flat | PooledValue], graph: Graph
) -> Value | Flat | PooledValue:
    """The result of ``operation``, anything but neurons, for what its inputs are made of.

    Raises:
        NotLowerable: it has no exact form in the integer network.
    """
    taken = [value for value in inputs if not isinstance(value, PooledValue)]
    if len(taken) < len(inputs):
        raise NotLowerable(
            "after a max pool without ReLU in between",
            "ReLU in between, or a normalisation with no negative gain",
        )
    result = _HANDLERS[operation.kind](operation, taken, graph)
    _check_shape(operation, result)
    return result


def check_operation(operation: Operation, graph: Graph) -> None:
    """Raise ``NotLowerable`` where no input whatever would make ``operation`` lowerable."""
    kind, arguments = operation.kind, operation.arguments
    if kind == OperationKind.INPUT and len(operation.shape) not in (2, 3):
        accepted = f"(channels, rows, columns) or (channels, length); {_OTHERS}"
        raise NotLowerable(f"input of shape {tuple(operation.shape)}", accepted)
    if kind == OperationKind.FLOAT:
        last = operation.name not in weighted_behind(graph)
        raise NotLowerable("", f"behind the last weights {KEEPS_ORDER}" if last else _FLOAT_ONLY)
    if kind == OperationKind.INTERPOLATE and not _keeps_shape(operation, graph):
        raise NotLowerable("", _FLOAT_ONLY)
    if kind == OperationKind.CONVOLUTION and arguments["weight"].ndim not in (3, 4):
        dimensions = arguments["weight"].ndim - 2
        raise NotLowerable(f"{dimensions}-d convolution", f"1-d or 2-d convolution; {_OTHERS}")
    for name in ("kernel", "size"):
        if kind in _POOLS and len(arguments.get(name, (0,))) not in (1, 2):
            raise NotLowerable(
                f"{len(arguments[name])}-d pooling", f"1-d or 2-d pooling; {_OTHERS}"
            )
    if kind == OperationKind.MAX_POOL and any(step != 1 for step in arguments["dilation"]):
        raise NotLowerable(f"dilation {tuple(arguments['dilation'])}", "dilation 1")
    if kind == OperationKind.CONCATENATE and arguments["dimension"] != 0:
        raise NotLowerable("concatenation of pixels", f"along the channels{_LAST_MOVES}")
    if kind == OperationKind.PAD and arguments["mode"] != "constant":
        raise NotLowerable(f"padding mode {arguments['mode']!r}", "zero padding")


def _keeps_shape(operation: Operation, graph: Graph) -> bool:
    return tuple(operation.shape) == tuple(graph.by_name[operation.inputs[0]].shape)


def _check_shape(operation: Operation, result: Value | Flat | PooledValue) -> None:
    """The terms' own arithmetic must agree with the model's shapes."""
    if isinstance(result, Flat):
        shape: tuple[int, ...] = (result.elements,)
    elif isinstance(result, PooledValue):
        map_size, missing = result.value.size, result.missing
        size = result.pool.size_for((map_size[0] + missing[0], map_size[1] + missing[1]))
        shape = (result.value.channels, *size)
    else:
        shape = result.shape
    wanted = tuple(operation.shape)
    if shape != wanted and shape not in _maps(wanted):
        raise AssertionError(f"{operation.name}: terms give {shape}, the model {wanted}")


def _maps(shape: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Maps (channels, rows, columns) that a tensor of ``shape`` may be.

    A row of values may lie in a map of one row, or of one column, where it was one before.
    """
    if len(shape) == 2:
        return (shape[0], 1, shape[1]), (shape[0], shape[1], 1)
    if len(shape) > 3:
        return ()
    channels, rows, columns = shape + (1,) * (3 - len(shape))
    return ((channels, rows, columns),)


def _stands(value: Value, operation: Operation) -> bool:
    """Whether a row of values, which has one dimension in the model, is a column of the map."""
    return len(operation.shape) == 2 and value.size[1] == 1 and value.size[0] > 1


def _either_side(padding: Pair) -> Padding:
    """(top, left, bottom, right) where either side has the same."""
    return (*padding, *padding)


def _planar(numbers: Sequence[int], other: int, stands: bool) -> Pair:
    """Two numbers (rows, columns) out of those of a 1-d operation, or as they are."""
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    return (numbers[0], other) if stands else (other, numbers[0])


def _image(operation: Operation, _inputs: list[Value | Flat], _graph: Graph) -> Value:
    return source_value(operation.name, _maps(tuple(operation.shape))[0])


def _array(tensor: Tensor | None, channels: int) -> np.ndarray:
    if tensor is None:
        return np.zeros(channels)
    return tensor.detach().to("cpu").double().numpy()


def _convolution(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    arguments = operation.arguments
    value = _map(inputs[0])
    stands = _stands(value, graph.by_name[operation.inputs[0]])
    weight = _array(arguments["weight"], 0)
    if weight.ndim == 3:
        weight = weight[..., None] if stands else weight[:, :, None]
    rows, columns = _planar(arguments["padding"], 0, stands)
    kernel = Kernel(
        weight,
        _planar(arguments["stride"], 1, stands),
        (rows, columns, rows, columns),
        _planar(arguments["dilation"], 1, stands),
        arguments["groups"],
    )
    bias = _array(arguments["bias"], len(weight))
    return linear.convolved(value, kernel, bias, operation.name)


def _mix(operation: Operation, inputs: list[Value | Flat], _graph: Graph) -> Value:
    matrix = _array(operation.arguments["matrix"], 0)
    kernel = Kernel(matrix[:, :, None, None])
    return linear.convolved(_map(inputs[0]), kernel, np.zeros(len(matrix)), operation.name)


def _linear(operation: Operation, inputs: list[Value | Flat], _graph: Graph) -> Value:
    if len(operation.shape) != 1:
        raise NotLowerable(
            f"linear on the last dimension of {operation.shape[:-1]}", "linear on a flattened map"
        )
    weight = _array(operation.arguments["weight"], 0)
    bias = _array(operation.arguments["bias"], len(weight))
    return linear.fully_connected(inputs[0], weight, bias, operation.name)


def _norm(operation: Operation, inputs: list[Value | Flat], _graph: Graph) -> Value | Flat:
    gain, shift = (part.numpy() for part in norm_affine(operation))
    return linear.scaled(inputs[0], gain, shift, operation.name)


def _affine(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
    shape = tuple(graph.by_name[operation.inputs[0]].shape)
    if not _keeps_shape(operation, graph):
        raise NotLowerable(f"constant that makes {shape} {operation.shape}", "one per channel")
    gain, shift = (
        np.broadcast_to(_array(operation.arguments[name], 0), shape) for name in ("scale", "shift")
    )
    if len(shape) > 1:
        gain, shift = (values.reshape(shape[0], -1) for values in (gain, shift))
        if np.any(gain != gain[:, :1]) or np.any(shift != shift[:, :1]):
            raise NotLowerable("constants that differ within a map", "one per channel")
        gain, shift = gain[:, 0], shift[:, 0]
    return linear.scaled(inputs[0], gain, shift, operation.name)


def _max_pool(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> PooledValue:
    arguments = operation.arguments
    value = _map(inputs[0])
    stands = _stands(value, graph.by_name[operation.inputs[0]])
    pool = PoolShape(
        _planar(arguments["kernel"], 1, stands),
        _planar(arguments["stride"], 1, stands),
        _planar(arguments["padding"], 0, stands),
    )
    size = _size(operation, stands)
    missing = per_axis(
        lambda axis: max(
            0,
            (size[axis] - 1) * pool.stride[axis]
            + pool.kernel[axis]
            - value.size[axis]
            - 2 * pool.padding[axis],
        )
    )
    return PooledValue(value, pool, missing)


def _size(operation: Operation, stands: bool) -> Pair:
    """Rows and columns of a result."""
    return _planar(operation.shape[1:], 1, stands) if len(operation.shape) > 1 else (1, 1)


def _average_pool(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    arguments = operation.arguments
    value = _map(inputs[0])
    stands = _stands(value, graph.by_name[operation.inputs[0]])
    kernel = _planar(arguments["kernel"], 1, stands)
    stride = _planar(arguments["stride"], 1, stands)
    padding = _planar(arguments["padding"], 0, stands)
    size = _size(operation, stands)
    around = _either_side(padding)
    even = window_size(value.size, around, kernel, stride) == size
    divisor = arguments["divisor"]
    if even and (not any(padding) or arguments["count_include_pad"] or divisor):
        return linear.average_pooled(
            value, kernel, stride, around, operation.name, divide_by=divisor
        )
    if divisor or (any(padding) and arguments["count_include_pad"]):
        raise NotLowerable(
            "ceil_mode with a divisor or padding of its own", "windows that all count alike"
        )
    windows = [
        [
            (max(first, 0), min(first + kernel[axis], value.size[axis]))
            for first in (index * stride[axis] - padding[axis] for index in range(size[axis]))
        ]
        for axis in (0, 1)
    ]
    return linear.unevenly_pooled(value, windows)


def _adaptive(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    value = _map(inputs[0])
    cells = _size(operation, _stands(value, graph.by_name[operation.inputs[0]]))
    return linear.adaptively_pooled(value, cells, operation.name)


def _add(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
    for name in operation.inputs:
        if graph.by_name[name].shape != operation.shape:
            raise NotLowerable(
                f"sum with {name}, {graph.by_name[name].shape} broadcast to {operation.shape}",
                "summands of the same shape",
            )
    scaled = [
        value if scale == 1 else linear.multiplied(value, float(scale), operation.name)
        for value, scale in zip(inputs, operation.arguments["scales"], strict=True)
    ]
    return linear.added(scaled)


def _concatenate(_operation: Operation, inputs: list[Value | Flat], _graph: Graph) -> Value | Flat:
    return linear.concatenated(inputs)


def _slice(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
    ranges = operation.arguments["ranges"]
    value = inputs[0]
    if _keeps_shape(operation, graph):
        return value
    value = _map(value)
    start, stop, step = ranges[0]
    if step != 1:
        raise NotLowerable(f"slice of every {step}th channel", "neighbouring channels")
    value = linear.channel_range(value, start, min(stop, value.channels))
    if len(ranges) == 1:
        return value
    stands = _stands(value, graph.by_name[operation.inputs[0]])
    starts, _, steps = zip(*ranges[1:], strict=True)
    starts, steps = _planar(starts, 0, stands), _planar(steps, 1, stands)
    return linear.pixels(value, starts, steps, _size(operation, stands), operation.name)


def _pad(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    arguments = operation.arguments
    value = _map(inputs[0])
    before, after = arguments["padding"][0]
    value = linear.channel_range(value, max(-before, 0), value.channels - max(-after, 0))
    margins = (0, 0, 0, 0)
    if len(arguments["padding"]) > 1:
        stands = _stands(value, graph.by_name[operation.inputs[0]])
        front, back = zip(*arguments["padding"][1:], strict=True)
        margins = (*_planar(front, 0, stands), *_planar(back, 0, stands))
    channels = (max(before, 0), max(after, 0))
    return linear.padded(value, margins, channels, float(arguments["value"]), operation.name)


def _reshape(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
    value = inputs[0]
    before, after = graph.by_name[operation.inputs[0]].shape, tuple(operation.shape)
    permutation = operation.arguments["permutation"]
    if permutation is not None:
        # Only dimensions of one pixel may change places: nothing moves then.
        longer = [dimension for dimension in permutation if before[dimension] > 1]
        if longer != sorted(longer):
            raise NotLowerable(f"dimensions in the order {permutation}", f"flatten{_LAST_MOVES}")
    if after == tuple(before):
        return value
    if after == ():  # one number
        return _map(value)
    if len(after) == 1:
        return linear.flattened(_map(value)) if isinstance(value, Value) else value
    whole = linear.unflattened(value) if isinstance(value, Flat) else value
    if whole.shape in _maps(after):
        return whole
    raise NotLowerable(f"reshape of {tuple(before)} to {after}", f"flatten{_LAST_MOVES}")


def _interpolate(_operation: Operation, inputs: list[Value | Flat], _graph: Graph) -> Value | Flat:
    return inputs[0]


def _map(value: Value | Flat) -> Value:
    if isinstance(value, Flat):
        raise NotLowerable("on a flattened map", "a linear layer on a flattened map")
    return value


_HANDLERS: dict[
    OperationKind, Callable[[Operation, list[Value | Flat], Graph], Value | Flat | PooledValue]
] = {
    OperationKind.INPUT: _image,
    OperationKind.CONVOLUTION: _convolution,
    OperationKind.LINEAR: _linear,
    OperationKind.NORM: _norm,
    OperationKind.MAX_POOL: _max_pool,
    OperationKind.AVERAGE_POOL: _average_pool,
    OperationKind.ADAPTIVE_AVERAGE_POOL: _adaptive,
    OperationKind.MIX: _mix,
    OperationKind.ADD: _add,
    OperationKind.CONCATENATE: _concatenate,
    OperationKind.SLICE: _slice,
    OperationKind.PAD: _pad,
    OperationKind.RESHAPE: _reshape,
    OperationKind.AFFINE: _affine,
    OperationKind.INTERPOLATE: _interpolate,
}
