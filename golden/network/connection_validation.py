"""Checks of one connection: its source, weights, channels and geometry."""

from __future__ import annotations

import numpy as np

from ..basics.field_checks import (
    MAX_EXTENT,
    check_array,
    check_integer,
    check_integers,
    check_values,
)
from ..errors import RheobaseError, shown
from .layers import (
    BYTE_BITS,
    IMAGE,
    MAX_WEIGHT_BITS,
    MIN_WEIGHT_BITS,
    Connection,
    LayerShape,
    SumPool,
    connection_shape,
    sum_pool_shape,
)
from .limits import check_map, check_window
from .unchecked_network import UncheckedNetwork

_SIDES = ("top", "left", "bottom", "right")


def check_connection(
    where: str,
    network: UncheckedNetwork,
    index: int,
    connection: Connection,
    shapes: list[LayerShape],
) -> None:
    """Check a connection of layer ``index``; ``shapes`` are those of the layers before it.

    Raises:
        RheobaseError: the first field that is wrong, its value, and what is accepted.
    """
    if not isinstance(connection, Connection):
        raise RheobaseError(f"{where}: {type(connection).__name__}, must be a Connection")
    source = connection.source
    check_integer(where, "source", source, IMAGE, index - 1)
    if source != IMAGE and network.layers[source].threshold is None:
        raise RheobaseError(
            f"{where}: source is {source}, a layer without neurons, must be one with neurons"
        )
    _check_weight(where, connection)
    source_shape = network.input_shape if source == IMAGE else shapes[source].output
    _check_channels(where, connection, source_shape[0], network.layers[index].out_channels)
    check_integers(where, "stride", connection.stride, 2, 1, MAX_EXTENT)
    check_integers(where, "dilation", connection.dilation, 2, 1, MAX_EXTENT)
    check_integers(where, "padding", connection.padding, 4, -MAX_EXTENT, MAX_EXTENT)
    for side, name in enumerate(_SIDES):
        highest = connection.extent[side % 2] - 1
        check_integer(where, f"{name} padding", connection.padding[side], -MAX_EXTENT, highest)
    if connection.sum_pool is not None:
        _check_sum_pool(where, connection.sum_pool, source_shape)
    _check_maps(where, connection, source_shape)
    _, rows, columns = connection_shape(connection, source_shape)
    if not (1 <= rows <= MAX_EXTENT and 1 <= columns <= MAX_EXTENT):
        raise RheobaseError(
            f"{where}: the convolution's output is {rows} x {columns} for an input map of "
            f"{source_shape[1]} x {source_shape[2]}, must be 1 x 1 to "
            f"{MAX_EXTENT} x {MAX_EXTENT}"
        )


def _check_maps(where: str, connection: Connection, source: tuple[int, int, int]) -> None:
    """The padded maps in front of the ``sum_pool`` and of the kernel are not too large."""
    size, channels = source[1:], connection.in_channels
    if connection.sum_pool is not None:
        check_map(
            where,
            "the padded map of the sum_pool",
            (channels, *_padded(size, connection.sum_pool.padding)),
        )
        size = sum_pool_shape(connection.sum_pool, size)
    check_map(where, "the padded map", (channels, *_padded(size, connection.padding)))


def _padded(size: tuple[int, int], padding: tuple[int, int, int, int]) -> tuple[int, int]:
    top, left, bottom, right = padding
    return max(size[0] + top + bottom, 0), max(size[1] + left + right, 0)


def _check_weight(where: str, connection: Connection) -> None:
    bits = connection.weight_bits
    check_integer(where, "weight_bits", bits, MIN_WEIGHT_BITS, MAX_WEIGHT_BITS)
    weight = connection.weight
    if not isinstance(weight, np.ndarray) or weight.ndim != 4 or 0 in weight.shape:
        shape = getattr(weight, "shape", type(weight).__name__)
        raise RheobaseError(
            f"{where}: weight has shape {shown(shape)}, must be (out channels, "
            "in channels / groups, kernel rows, kernel columns), none of them 0"
        )
    check_array(where, "weight", weight, np.int8 if bits <= BYTE_BITS else np.int16, weight.shape)
    limit = 1 << (bits - 1)
    check_values(where, "weight", weight, -limit, limit - 1)


def _check_channels(
    where: str, connection: Connection, source_channels: int, layer_channels: int
) -> None:
    out_channels = connection.out_channels
    check_integer(where, "groups", connection.groups, 1, MAX_EXTENT)
    if out_channels % connection.groups:
        raise RheobaseError(
            f"{where}: groups is {connection.groups}, must be a divisor of its "
            f"{out_channels} output channels"
        )
    for field, start, seen, whole, what in (
        ("in_start", connection.in_start, connection.in_channels, source_channels, "source"),
        ("out_start", connection.out_start, out_channels, layer_channels, "layer"),
    ):
        side = "input" if what == "source" else "output"
        if seen > whole:
            raise RheobaseError(
                f"{where}: weight has {seen} {side} channels, must be at most {whole}, the "
                f"channels of its {what}"
            )
        check_integer(where, field, start, 0, whole - seen)


def _check_sum_pool(where: str, sums: SumPool, source: tuple[int, int, int]) -> None:
    if not isinstance(sums, SumPool):
        raise RheobaseError(f"{where}: sum_pool is {shown(sums)}, must be a SumPool or None")
    check_integers(where, "sum_pool kernel", sums.kernel, 2, 1, MAX_EXTENT)
    check_window(where, "sum_pool", sums.kernel)
    check_integers(where, "sum_pool stride", sums.stride, 2, 1, MAX_EXTENT)
    check_integers(where, "sum_pool padding", sums.padding, 4, 0, MAX_EXTENT)
    for side, name in enumerate(_SIDES):
        highest = sums.kernel[side % 2] - 1
        check_integer(where, f"sum_pool {name} padding", sums.padding[side], 0, highest)
    rows, columns = sum_pool_shape(sums, source[1:])
    if min(rows, columns) < 1:
        raise RheobaseError(
            f"{where}: the sum_pool's output is {rows} x {columns} for an input map of "
            f"{source[1]} x {source[2]}, must be at least 1 x 1"
        )
