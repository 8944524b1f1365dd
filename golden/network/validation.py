"""Checks of an integer network: one error that names the field and what is accepted."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..basics.field_checks import (
    MAX_EXTENT,
    check_array,
    check_choice,
    check_integer,
    check_integers,
    check_name,
    check_values,
)
from ..errors import RheobaseError, shown
from .choices import MAX_STEPS, Coding, PoolRule, Readout
from .connection_validation import check_connection
from .event_validation import check_event_counts
from .exactness import FLOAT64_LIMIT, largest_magnitude
from .layers import IMAGE, Layer, LayerShape, Pool, connection_shape, layer_shape, sum_pool_shape
from .limits import POOLED_WORK, check_map, check_window, check_work
from .provenance import check_provenance
from .time_checks import check_delay, check_steps
from .unchecked_network import UncheckedNetwork


def check_network(network: UncheckedNetwork) -> None:
    """Check ``network`` whole and make its arrays read-only.

    Raises:
        RheobaseError: the first field that is wrong, its value, and what is accepted.
    """
    check_choice("network", "coding", network.coding, Coding)
    check_choice("network", "readout", network.readout, Readout)
    check_name("network", network.name)
    check_integers("network", "input_shape", network.input_shape, 3, 1, MAX_EXTENT)
    check_map("network", "input_shape", network.input_shape)
    channels = network.input_shape[0]
    check_array("network", "zero_point", network.zero_point, np.uint8, (channels,))
    check_steps("network", network.coding, network.steps, MAX_STEPS[network.coding.value])
    check_delay("network", network.coding, network.delay, network.steps)
    _check_layers_are_named(network)
    _check_outputs(network)
    shapes: list[LayerShape] = []
    for index in range(len(network.layers)):
        shapes.append(_check_layer(network, index, shapes))
    _check_all_are_used(network)
    check_work(
        sum(image_work(layer, shape) for layer, shape in zip(network.layers, shapes, strict=True))
    )
    for index, layer in enumerate(network.layers):
        largest = largest_magnitude(network, index)
        if largest >= FLOAT64_LIMIT:
            raise RheobaseError(
                f"layer {shown(layer.name)}: its currents, potentials or thresholds may reach "
                f"{largest}, must be below 2**53"
            )
    if network.events is not None:
        check_event_counts(network, network.events)
    if network.provenance is not None:
        check_provenance(network.provenance, network.input_shape[0], network.classes)


def _check_layers_are_named(network: UncheckedNetwork) -> None:
    layers = network.layers
    if not isinstance(layers, tuple) or not layers:
        raise RheobaseError("network: layers is empty or no tuple, must be at least one layer")
    indices: dict[str, int] = {}
    for index, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise RheobaseError(f"layer {index}: {type(layer).__name__}, must be a Layer")
        check_name(f"layer {index}", layer.name)
        taken = indices.setdefault(layer.name, index)
        if taken != index:
            raise RheobaseError(
                f"layer {index}: name {shown(layer.name)} is taken by layer {taken}, "
                "must be a name of its own for each layer"
            )


def _check_outputs(network: UncheckedNetwork) -> None:
    outputs, last = network.outputs, len(network.layers) - 1
    if not isinstance(outputs, tuple) or not outputs:
        raise RheobaseError(
            f"network: outputs is {shown(outputs)}, must be a tuple of at least one layer's index"
        )
    for index in outputs:
        check_integer("network", "outputs has an index that", index, 0, last)
    if list(outputs) != sorted(set(outputs)):
        raise RheobaseError(
            f"network: outputs is {shown(outputs)}, must be an ascending tuple without repetition"
        )
    if outputs[-1] != last:
        raise RheobaseError(
            f"network: outputs is {shown(outputs)}, must have the last layer ({last}) among them"
        )


def _check_all_are_used(network: UncheckedNetwork) -> None:
    used = {connection.source for layer in network.layers for connection in layer.connections}
    used |= set(network.outputs)
    for index, layer in enumerate(network.layers):
        if index not in used:
            raise RheobaseError(
                f"layer {shown(layer.name)}: no connection sees it, must be a layer that feeds "
                "another one or is among the outputs"
            )


def _check_layer(network: UncheckedNetwork, index: int, shapes: list[LayerShape]) -> LayerShape:
    """Check layer ``index``, given the ``shapes`` of those before it; return its own."""
    layer = network.layers[index]
    where = f"layer {shown(layer.name)}"
    if not isinstance(layer.bias, np.ndarray) or layer.bias.ndim != 1 or not layer.bias.size:
        found = getattr(layer.bias, "shape", type(layer.bias).__name__)
        raise RheobaseError(f"{where}: bias has shape {shown(found)}, must be (out channels,)")
    channels = layer.bias.shape
    check_array(where, "bias", layer.bias, np.int32, channels)
    _check_neurons(network, index, channels)
    if not isinstance(layer.connections, tuple) or not layer.connections:
        raise RheobaseError(
            f"{where}: connections is empty or no tuple, must be at least one connection"
        )
    maps = []
    for number, connection in enumerate(layer.connections):
        check_connection(f"{where}: connection {number}", network, index, connection, shapes)
        source = connection.source
        maps.append(network.input_shape if source == IMAGE else shapes[source].output)
    _check_equal_maps(where, layer, maps)
    if layer.pool is not None:
        _check_pool(where, layer.pool)
    shape = layer_shape(layer, tuple(maps))
    check_map(where, "the convolution's output", shape.conv)
    if layer.pool is not None:
        padded = [shape.conv[1 + axis] + 2 * layer.pool.padding[axis] for axis in range(2)]
        check_map(where, "the padded map of the pool", (shape.conv[0], *padded))
    if min(shape.output) < 1:
        raise RheobaseError(
            f"{where}: the pooling's output is {shape.output[1]} x {shape.output[2]} for a map of "
            f"{shape.conv[1]} x {shape.conv[2]}, must be at least 1 x 1"
        )
    return shape


def image_work(layer: Layer, shape: LayerShape) -> int:
    """Multiplications of an image at one step, and as many for what pooling looks at."""
    positions = math.prod(shape.conv[1:])
    work = pooled = 0
    for connection, source in zip(layer.connections, shape.inputs, strict=True):
        work += positions * connection.weight.size
        if connection.sum_pool is not None:
            summed = math.prod(sum_pool_shape(connection.sum_pool, source[1:]))
            pooled += summed * connection.in_channels * connection.area
    if layer.pool is not None:
        pooled += math.prod(shape.output) * math.prod(layer.pool.kernel)
    return work + pooled * POOLED_WORK


def _check_neurons(network: UncheckedNetwork, index: int, channels: tuple[int, ...]) -> None:
    layer = network.layers[index]
    where = f"layer {shown(layer.name)}"
    if layer.steps is not None:
        _check_own_steps(network, index)
    if index not in network.outputs or network.readout == Readout.COUNT:
        threshold = check_array(where, "threshold", layer.threshold, np.int32, channels)
        check_values(where, "threshold", threshold, 1, 2**31 - 1)
        check_array(where, "initial_potential", layer.initial_potential, np.int32, channels)
        if layer.negative_threshold is not None:
            _check_signed(network, index, threshold)
        return
    for field in ("threshold", "initial_potential", "negative_threshold", "pool", "steps"):
        if getattr(layer, field) is not None:
            raise RheobaseError(
                f"{where}: {field} is given, must be none in an output of a 'current' readout"
            )


def _check_own_steps(network: UncheckedNetwork, index: int) -> None:
    layer = network.layers[index]
    where = f"layer {shown(layer.name)}"
    if network.coding != Coding.RADIX:
        raise RheobaseError(
            f"{where}: steps is {shown(layer.steps)}, must be none in {network.coding.value} coding"
        )
    check_integer(where, "steps", layer.steps, 1, network.steps, " (T of the network)")


def _check_signed(network: UncheckedNetwork, index: int, threshold: np.ndarray) -> None:
    layer, field = network.layers[index], "negative_threshold"
    where = f"layer {shown(layer.name)}"
    if index in network.outputs:
        raise RheobaseError(
            f"{where}: {field} is given, must be none in an output of a 'count' readout"
        )
    negative = check_array(where, field, layer.negative_threshold, np.int32, threshold.shape)
    below = np.flatnonzero(negative < threshold)
    if below.size:
        channel = below[0]
        raise RheobaseError(
            f"{where}: {field} of channel {channel} is {negative[channel]}, must be at least its "
            f"threshold, {threshold[channel]}"
        )


def _check_equal_maps(where: str, layer: Layer, maps: Iterable[tuple[int, int, int]]) -> None:
    sizes = [
        connection_shape(connection, source)[1:]
        for connection, source in zip(layer.connections, maps, strict=True)
    ]
    for number, (rows, columns) in enumerate(sizes):
        if (rows, columns) != sizes[0]:
            raise RheobaseError(
                f"{where}: connection {number} gives a map of {rows} x {columns}, must be "
                f"{sizes[0][0]} x {sizes[0][1]} as from connection 0"
            )


def _check_pool(where: str, pool: Pool) -> None:
    if not isinstance(pool, Pool):
        raise RheobaseError(f"{where}: pool is {shown(pool)}, must be a Pool or None")
    check_integers(where, "pool kernel", pool.kernel, 2, 1, MAX_EXTENT)
    check_window(where, "pool", pool.kernel)
    check_integers(where, "pool stride", pool.stride, 2, 1, MAX_EXTENT)
    check_integers(where, "pool padding", pool.padding, 2, 0, MAX_EXTENT)
    for axis, name in enumerate(("row", "column")):
        check_integer(where, f"pool {name} padding", pool.padding[axis], 0, pool.kernel[axis] // 2)
    check_choice(where, "pool rule", pool.rule, PoolRule)
