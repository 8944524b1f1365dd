"""What each operation of a graph makes of sums of terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from . import linear_operations as linear
from .graph import Graph, Operation, OperationKind, norm_affine
from .terms import Flat, Kernel, NotLowerable, Pair, Value, source_value, window_size

_FLOAT_ONLY = "nothing, it is float-only (the float SNN runs it)"
_OTHERS = "others are float-only"


@dataclass(frozen=True)
class PoolShape:
    """Max pooling in front of the neuron: kernel, stride, padding as (rows, columns)."""

    kernel: Pair
    stride: Pair
    padding: Pair

    def size_for(self, size: Pair) -> Pair:
        """Rows and columns of the result for a map of ``size``."""
        return window_size(size, self.padding * 2, self.kernel, self.stride)


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
    for value in inputs:
        if isinstance(value, PooledValue):
            raise NotLowerable(
                "after a max pool without ReLU in between",
                "ReLU in between, or a normalisation with no negative gain",
            )
    result = _HANDLERS[operation.kind](operation, inputs, graph)
    _check_shape(operation, result)
    return result


def check_operation(operation: Operation, graph: Graph) -> None:
    """Raise ``NotLowerable`` where no input whatever would make ``operation`` lowerable."""
    kind, arguments = operation.kind, operation.arguments
    if kind == OperationKind.INPUT and len(operation.shape) != 3:
        raise NotLowerable(f"input of shape {tuple(operation.shape)}", f"3 dimensions; {_OTHERS}")
    if kind == OperationKind.FLOAT:
        raise NotLowerable("", _FLOAT_ONLY)
    if kind == OperationKind.INTERPOLATE and not _keeps_shape(operation, graph):
        raise NotLowerable("", _FLOAT_ONLY)
    if kind == OperationKind.CONVOLUTION and arguments["weight"].ndim != 4:
        dimensions = arguments["weight"].ndim - 2
        raise NotLowerable(f"{dimensions}-d convolution", f"2-d convolution; {_OTHERS}")
    if "kernel" in arguments and len(arguments["kernel"]) != 2:
        raise NotLowerable(f"{len(arguments['kernel'])}-d pooling", f"2-d pooling; {_OTHERS}")
    if kind == OperationKind.ADAPTIVE_AVERAGE_POOL and len(arguments["size"]) != 2:
        raise NotLowerable(f"{len(arguments['size'])}-d pooling", f"2-d pooling; {_OTHERS}")
    if kind == OperationKind.MAX_POOL and any(step != 1 for step in arguments["dilation"]):
        raise NotLowerable(f"dilation {tuple(arguments['dilation'])}", "dilation 1")
    if kind == OperationKind.CONCATENATE and arguments["dimension"] != 0:
        raise NotLowerable("concatenation of pixels", "along the channels")
    if kind == OperationKind.PAD and arguments["mode"] != "constant":
        raise NotLowerable(f"padding mode {arguments['mode']!r}", "zero padding")


def _keeps_shape(operation: Operation, graph: Graph) -> bool:
    return tuple(operation.shape) == tuple(graph.by_name[operation.inputs[0]].shape)


def _check_shape(operation: Operation, result: Value | Flat | PooledValue) -> None:
    """The terms' own arithmetic must agree with the model's shapes."""
    if isinstance(result, Flat):
        shape: tuple[int, ...] = (result.elements,)
    elif isinstance(result, PooledValue):
        size = result.pool.size_for(
            tuple(result.value.size[axis] + result.missing[axis] for axis in (0, 1))
        )
        shape = (result.value.channels, *size)
    else:
        shape = result.shape[: len(operation.shape)] if result.size == (1, 1) else result.shape
    if shape != tuple(operation.shape):
        raise AssertionError(f"{operation.name}: terms give {shape}, the model {operation.shape}")


def _image(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    return source_value(operation.name, operation.shape)


def _array(tensor: Tensor | None, channels: int) -> np.ndarray:
    if tensor is None:
        return np.zeros(channels)
    return tensor.detach().to("cpu").double().numpy()


def _convolution(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    arguments = operation.arguments
    weight = arguments["weight"]
    rows, columns = arguments["padding"]
    kernel = Kernel(
        _array(weight, 0),
        tuple(arguments["stride"]),
        (rows, columns, rows, columns),
        tuple(arguments["dilation"]),
        arguments["groups"],
    )
    bias = _array(arguments["bias"], len(weight))
    return linear.convolved(_map(inputs[0]), kernel, bias, operation.name)


def _linear(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    if len(operation.shape) != 1:
        raise NotLowerable(
            f"linear on the last dimension of {operation.shape[:-1]}", "linear on a flattened map"
        )
    weight = _array(operation.arguments["weight"], 0)
    bias = _array(operation.arguments["bias"], len(weight))
    return linear.fully_connected(inputs[0], weight, bias, operation.name)


def _norm(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
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
        for values in (gain, shift):
            if np.any(values != values[:, :1, :1]):
                raise NotLowerable("constants that differ within a map", "one per channel")
        gain, shift = gain[:, 0, 0], shift[:, 0, 0]
    return linear.scaled(inputs[0], gain, shift, operation.name)


def _max_pool(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> PooledValue:
    arguments = operation.arguments
    value = _map(inputs[0])
    pool = PoolShape(*(tuple(arguments[name]) for name in ("kernel", "stride", "padding")))
    missing = tuple(
        max(
            0,
            (operation.shape[1 + axis] - 1) * pool.stride[axis]
            + pool.kernel[axis]
            - value.size[axis]
            - 2 * pool.padding[axis],
        )
        for axis in (0, 1)
    )
    return PooledValue(value, pool, missing)


def _average_pool(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    arguments = operation.arguments
    value = _map(inputs[0])
    kernel, stride, padding = (tuple(arguments[name]) for name in ("kernel", "stride", "padding"))
    even = window_size(value.size, padding * 2, kernel, stride) == tuple(operation.shape[1:])
    divisor = arguments["divisor"]
    if even and (not any(padding) or arguments["count_include_pad"] or divisor):
        return linear.average_pooled(
            value, kernel, stride, padding * 2, operation.name, divide_by=divisor
        )
    if divisor or (any(padding) and arguments["count_include_pad"]):
        raise NotLowerable(
            "ceil_mode with a divisor or padding of its own", "windows that all count alike"
        )
    windows = [
        [
            (max(first, 0), min(first + kernel[axis], value.size[axis]))
            for first in (
                index * stride[axis] - padding[axis] for index in range(operation.shape[1 + axis])
            )
        ]
        for axis in (0, 1)
    ]
    return linear.unevenly_pooled(value, windows)


def _adaptive(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    return linear.adaptively_pooled(_map(inputs[0]), tuple(operation.shape[1:]), operation.name)


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


def _concatenate(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
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
    starts, _, steps = zip(*ranges[1:], strict=True)
    return linear.pixels(value, starts, steps, tuple(operation.shape[1:]), operation.name)


def _pad(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value:
    arguments = operation.arguments
    value = _map(inputs[0])
    front, back = arguments["padding"][0]
    value = linear.channel_range(value, max(-front, 0), value.channels - max(-back, 0))
    margins = (0, 0, 0, 0)
    if len(arguments["padding"]) == 3:
        (top, bottom), (left, right) = arguments["padding"][1:]
        margins = (top, left, bottom, right)
    channels = (max(front, 0), max(back, 0))
    return linear.padded(value, margins, channels, float(arguments["value"]), operation.name)


def _reshape(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
    value = inputs[0]
    before, after = graph.by_name[operation.inputs[0]].shape, tuple(operation.shape)
    permutation = operation.arguments["permutation"]
    if permutation is not None:
        # Only dimensions of one pixel may change places: nothing moves then.
        longer = [dimension for dimension in permutation if before[dimension] > 1]
        if longer != sorted(longer):
            raise NotLowerable(f"dimensions in the order {permutation}", "flatten")
    if after == tuple(before):
        return value
    if len(after) == 1:
        return linear.flattened(_map(value)) if isinstance(value, Value) else value
    whole = linear.unflattened(value) if isinstance(value, Flat) else value
    if after == whole.shape:
        return whole
    raise NotLowerable(f"reshape of {tuple(before)} to {after}", "flatten")


def _interpolate(operation: Operation, inputs: list[Value | Flat], graph: Graph) -> Value | Flat:
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
    OperationKind.ADD: _add,
    OperationKind.CONCATENATE: _concatenate,
    OperationKind.SLICE: _slice,
    OperationKind.PAD: _pad,
    OperationKind.RESHAPE: _reshape,
    OperationKind.AFFINE: _affine,
    OperationKind.INTERPOLATE: _interpolate,
}
