"""Why a layer cannot have lanes of a kind."""

from __future__ import annotations

from ...golden.network.choices import Coding
from ...golden.network.network import IMAGE, Connection, Network
from .synapses import is_streamed


def graph_obstacle(network: Network, index: int) -> str | None:
    """Why layer ``index`` cannot have a graph lane; None where it can."""
    layer = network.layers[index]
    if len(layer.connections) > 1:
        return f"sums up {len(layer.connections)} connections, must have one"
    pool = layer.pool
    if pool is not None and (pool.kernel != pool.stride or any(pool.padding)):
        return (
            f"has a {pool.kernel[0]}x{pool.kernel[1]} pool of stride {pool.stride} and padding "
            f"{pool.padding}, must have one whose windows are apart"
        )
    if is_streamed(network, index, layer.out_channels):
        return "is a streamed readout, which keeps no map"
    return None


def serial_obstacle(network: Network, index: int) -> str | None:
    """Why layer ``index`` cannot be serial; None where it can."""
    layer = network.layers[index]
    connection, *others = layer.connections
    if others:
        return f"sums up {len(layer.connections)} connections, must have one"
    conv = network.shapes[index].conv[1:]
    if conv != (1, 1):
        return f"has {conv[0]}x{conv[1]} windows, must have one over the whole map (linear)"
    if layer.pool is not None:
        return "has max pooling, must have one window for each sum"
    if connection.groups > 1:
        return f"has {connection.groups} kernel groups, must have one"
    if any(
        size > 1 < apart for size, apart in zip(connection.kernel, connection.dilation, strict=True)
    ):
        return "has a dilated kernel, must see every row and column"
    if connection.sum_pool is not None and connection.kernel != (1, 1):
        rows, columns = connection.kernel
        return f"has a {rows}x{columns} kernel behind a sum pool, must have a 1x1 kernel there"
    if connection.source == IMAGE and _sees_padding(connection):
        return "pads the image, must see its pixels alone"
    timed = network.coding == Coding.RATE and not layer.sees_only_image
    if timed and layer.threshold is not None:
        return (
            "fires in `rate` on spikes, whose currents differ from step to step; must fire in "
            "`radix`, see the image alone, or be read out"
        )
    return None


def _sees_padding(connection: Connection) -> bool:
    sums = connection.sum_pool
    sides = connection.padding if sums is None else (*connection.padding, *sums.padding)
    return max(sides) > 0
