"""Which integer networks there is hardware for."""

from __future__ import annotations

from ..golden.errors import RheobaseError
from ..golden.network import BYTE_BITS, IMAGE, Connection, Network


def check_supported(network: Network) -> None:
    """Raise ``RheobaseError`` naming the first thing that the hardware has no stage for.

    Supported is a chain: every layer sees the whole of what stands before it over one connection,
    and the last layer alone, with a map of 1 x 1, is read out.
    """
    last = len(network.layers) - 1
    if network.outputs != (last,):
        raise RheobaseError(
            f"hardware: outputs is {network.outputs}, accepted is the last layer alone ({last},)"
        )
    _, rows, columns = network.output_shapes[0]
    if (rows, columns) != (1, 1):
        raise RheobaseError(
            f"hardware: the last map is {rows} x {columns}, accepted is 1 x 1 (one score per class)"
        )
    for index, layer in enumerate(network.layers):
        if len(layer.connections) != 1:
            raise RheobaseError(
                f"hardware: layer {layer.name!r} has {len(layer.connections)} connections, "
                "accepted is one"
            )
        _check_connection(network, index, layer.connections[0])


def _check_connection(network: Network, index: int, connection: Connection) -> None:
    layer = network.layers[index]
    before = IMAGE if index == 0 else index - 1
    for field, value, accepted in (
        ("source", connection.source, before),
        ("in channels", connection.in_channels, network.shapes[index].inputs[0][0]),
        ("out channels", connection.out_channels, layer.out_channels),
        ("groups", connection.groups, 1),
        ("dilation", connection.dilation, (1, 1)),
        ("sum_pool", connection.sum_pool, None),
    ):
        if value != accepted:
            raise RheobaseError(
                f"hardware: {field} of layer {layer.name!r} is {value}, accepted is {accepted}"
            )
    if min(connection.padding) < 0:
        raise RheobaseError(
            f"hardware: padding of layer {layer.name!r} is {connection.padding}, accepted is 0 or "
            "more on each side"
        )
    if connection.weight_bits > BYTE_BITS:
        raise RheobaseError(
            f"hardware: weight_bits of layer {layer.name!r} is {connection.weight_bits}, accepted "
            f"is at most {BYTE_BITS}"
        )
