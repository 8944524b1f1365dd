"""Checks of an integer network: one error that names the field and what is accepted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .errors import RheobaseError
from .network import (
    MAX_STEPS,
    MAX_WEIGHT_BITS,
    MIN_WEIGHT_BITS,
    Coding,
    Layer,
    Network,
    Pool,
    PoolRule,
    Readout,
    layer_shape,
)

#: Largest side of a map and largest number of channels.
MAX_EXTENT = 65536


def check_network(network: Network) -> None:
    """Check ``network`` whole and make its arrays read-only.

    Raises:
        RheobaseError: the first field that is wrong, its value, and what is accepted.
    """
    _choice("network", "coding", network.coding, Coding)
    _choice("network", "readout", network.readout, Readout)
    _name("network", network.name)
    _integers("network", "input_shape", network.input_shape, 3, 1, MAX_EXTENT)
    channels = network.input_shape[0]
    _array("network", "zero_point", network.zero_point, np.uint8, (channels,))
    _integer("network", "steps (T)", network.steps, 1, MAX_STEPS[network.coding.value])
    if network.coding == Coding.RADIX:
        _integer("network", "delay (t0) in radix coding", network.delay, 0, 0)
    else:
        _integer("network", "delay (t0)", network.delay, 0, network.steps - 1)
    if not isinstance(network.layers, tuple) or not network.layers:
        raise RheobaseError("network: layers is empty or no tuple, accepted is at least one layer")

    names = [layer.name for layer in network.layers]
    for index, layer in enumerate(network.layers):
        _name(f"layer {index}", layer.name)
        if names.index(layer.name) != index:
            raise RheobaseError(
                f"layer {index}: name {layer.name!r} is taken by layer {names.index(layer.name)}, "
                "accepted is a name of its own for each layer"
            )
    current = network.input_shape
    for index, layer in enumerate(network.layers):
        last = index == len(network.layers) - 1
        _check_layer(layer, current, fires=not last or network.readout == Readout.COUNT)
        current = layer_shape(layer, current).output
    if current[1:] != (1, 1):
        raise RheobaseError(
            f"layer {names[-1]!r}: the last map is {current[1]} x {current[2]}, accepted is 1 x 1 "
            "(one score per class)"
        )
    if network.readout == Readout.CURRENT and network.layers[-1].pool is not None:
        raise RheobaseError(
            f"layer {names[-1]!r}: pool is given, accepted is none in the last layer of a "
            "'current' readout"
        )


def _check_layer(layer: Layer, input_shape: tuple[int, int, int], *, fires: bool) -> None:
    where = f"layer {layer.name!r}"
    _integer(where, "weight_bits", layer.weight_bits, MIN_WEIGHT_BITS, MAX_WEIGHT_BITS)
    weight = layer.weight
    if not isinstance(weight, np.ndarray) or weight.ndim != 4 or 0 in weight.shape:
        shape = getattr(weight, "shape", type(weight).__name__)
        raise RheobaseError(
            f"{where}: weight has shape {shape}, accepted is (out channels, in channels, kernel "
            "rows, kernel columns), none of them 0"
        )
    _array(where, "weight", weight, np.int8, weight.shape)
    limit = 1 << (layer.weight_bits - 1)
    _values(where, "weight", weight, -limit, limit - 1)
    if weight.shape[1] != input_shape[0]:
        raise RheobaseError(
            f"{where}: weight has {weight.shape[1]} input channels, accepted is "
            f"{input_shape[0]}, the channels of its input map"
        )
    channels = (weight.shape[0],)
    _array(where, "bias", layer.bias, np.int32, channels)
    if fires:
        _array(where, "threshold", layer.threshold, np.int32, channels)
        _values(where, "threshold", layer.threshold, 1, 2**31 - 1)
        _array(where, "initial_potential", layer.initial_potential, np.int32, channels)
    else:
        for field in ("threshold", "initial_potential"):
            if getattr(layer, field) is not None:
                raise RheobaseError(
                    f"{where}: {field} is given, accepted is none in the last layer of a "
                    "'current' readout"
                )

    rows, columns = layer.kernel
    _integers(where, "stride", layer.stride, 2, 1, MAX_EXTENT)
    _integers(where, "padding", layer.padding, 4, 0, MAX_EXTENT)
    for index, (side, extent) in enumerate(
        (("top", rows), ("left", columns), ("bottom", rows), ("right", columns))
    ):
        _integer(where, f"{side} padding", layer.padding[index], 0, extent - 1)
    if layer.pool is not None:
        _check_pool(where, layer.pool)
    shape = layer_shape(layer, input_shape)
    for name, extent in (("convolution's", shape.conv), ("pooling's", shape.output)):
        if min(extent) < 1:
            raise RheobaseError(
                f"{where}: the {name} output is {extent[1]} x {extent[2]} for an input map of "
                f"{input_shape[1]} x {input_shape[2]}, accepted is at least 1 x 1"
            )


def _check_pool(where: str, pool: Pool) -> None:
    if not isinstance(pool, Pool):
        raise RheobaseError(f"{where}: pool is {pool!r}, accepted is a Pool or None")
    _integers(where, "pool kernel", pool.kernel, 2, 1, MAX_EXTENT)
    _integers(where, "pool stride", pool.stride, 2, 1, MAX_EXTENT)
    _integers(where, "pool padding", pool.padding, 2, 0, MAX_EXTENT)
    for axis, name in enumerate(("row", "column")):
        _integer(where, f"pool {name} padding", pool.padding[axis], 0, pool.kernel[axis] // 2)
    _choice(where, "pool rule", pool.rule, PoolRule)


def _choice(where: str, field: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        accepted = ", ".join(repr(member.value) for member in kind)
        raise RheobaseError(f"{where}: {field} is {value!r}, accepted is one of {accepted}")


def _name(where: str, value: object) -> None:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise RheobaseError(f"{where}: name is {value!r}, accepted is a non-empty printable string")


def _integer(where: str, field: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RheobaseError(
            f"{where}: {field} is {value!r}, accepted is an integer in {low}..{high}"
        )


def _integers(where: str, field: str, value: object, count: int, low: int, high: int) -> None:
    if not isinstance(value, tuple) or len(value) != count:
        raise RheobaseError(f"{where}: {field} is {value!r}, accepted is {count} integers")
    for number in value:
        _integer(where, field, number, low, high)


def _array(where: str, field: str, value: object, dtype: type, shape: Iterable[int]) -> None:
    shape = tuple(shape)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.shape != shape:
        found = (
            f"{value.dtype} {value.shape}"
            if isinstance(value, np.ndarray)
            else type(value).__name__
        )
        raise RheobaseError(
            f"{where}: {field} is {found}, accepted is {np.dtype(dtype).name} {shape}"
        )
    value.flags.writeable = False


def _values(where: str, field: str, value: np.ndarray, low: int, high: int) -> None:
    if value.min() < low or value.max() > high:
        raise RheobaseError(
            f"{where}: {field} spans {value.min()}..{value.max()}, accepted is {low}..{high}"
        )
