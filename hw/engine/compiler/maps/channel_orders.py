"""Channels of maps in an order that keeps an engine's lanes alike busy.

Which of a layer's neurons has which number is nobody's business but that of the layers that read
it: with their weights in the same order they add the same sums. An engine's lanes each see some of
the channels of a map, and a pass takes as long as the one with most events. Ordered by how much
they spike, channels of one pass are alike where kernels have groups of their own, such as
depthwise ones, and each lane sees channels from the whole range where they have not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .....golden.network.network import IMAGE, Connection, Layer, Network

#: Channels that are in turn from few events to many, and from many to few: lanes see every fourth
#: digit of a word, or each with others a multiple of four away (``hw/engine/lane_digits.py``).
RUN = 4

#: Of layers by their index, which of its channels stands at each place.
Orders = Mapping[int, np.ndarray]


def channel_orders(network: Network, counts: Mapping[int, np.ndarray]) -> Orders:
    """The orders of those layers whose channels may change places.

    A layer is left alone where it is read out, where a connection reads or feeds a part of its
    channels, or where kernels have groups of several channels. Layers between which a connection
    has a kernel for each channel, such as a shortcut, have one order.

    Args:
        counts: of layers by their index, events of each channel in some images; a layer that is
            not there counts nothing.
    """
    tied = _tied_layers(network)
    orders = {}
    for members in tied:
        known = [member for member in _first_read(network, members) if member in counts]
        if known:
            events = np.sum([counts[member] / max(1, counts[member].sum()) for member in known], 0)
            orders |= dict.fromkeys(members, _order(events))
    return orders


def reordered(network: Network, orders: Orders) -> Network:
    """``network`` with the channels of its layers in ``orders``: it computes the same outputs.

    So have the counts of its channels; other counts are of all channels of such a layer together.
    """
    layers = tuple(
        _reordered_layer(layer, orders.get(index), orders)
        for index, layer in enumerate(network.layers)
    )
    events = network.events
    if events is not None:
        channels = {
            index: counts[orders[index]] if index in orders else counts
            for index, counts in events.channels.items()
        }
        events = replace(events, channels=channels)
    return replace(network, layers=layers, events=events)


def _order(events: np.ndarray) -> np.ndarray:
    """Channels from few events to many, each second ``RUN`` of them turned round."""
    order = np.argsort(events, kind="stable")
    runs = [order[first : first + RUN] for first in range(0, len(order), RUN)]
    return np.concatenate([run[::-1] if number % 2 else run for number, run in enumerate(runs)])


def _tied_layers(network: Network) -> list[list[int]]:
    """Layers whose channels may change places, those together that have to have one order."""
    count = len(network.layers)
    group = list(range(count))
    fixed = {index for index in range(count) if index in network.outputs}

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for index, layer in enumerate(network.layers):
        for connection in layer.connections:
            source = connection.source
            if connection.out_channels != layer.out_channels:
                fixed.add(index)
            if source != IMAGE and connection.in_channels != network.layers[source].out_channels:
                fixed.add(source)
            if connection.groups > 1:
                if source != IMAGE and _for_each_channel(connection):
                    group[root(index)] = root(source)
                else:
                    fixed |= {index, source}
    together: dict[int, list[int]] = {}
    for index in range(count):
        together.setdefault(root(index), []).append(index)
    return [members for members in together.values() if not fixed & {*members}]


def _for_each_channel(connection: Connection) -> bool:
    return connection.weight.shape[:2] == (connection.groups, 1)


def _first_read(network: Network, members: list[int]) -> list[int]:
    """Of ``members`` those that kernels with groups and of some size read, or else all."""
    read = {
        connection.source
        for layer in network.layers
        for connection in layer.connections
        if connection.groups > 1 and connection.kernel != (1, 1)
    }
    return [member for member in members if member in read] or members


def _reordered_layer(layer: Layer, order: np.ndarray | None, orders: Orders) -> Layer:
    connections = tuple(
        replace(one, weight=_reordered_weight(one, order, orders.get(one.source)))
        for one in layer.connections
    )
    if order is None:
        return replace(layer, connections=connections)
    fields = ("bias", "threshold", "initial_potential", "negative_threshold")
    arrays = {name: getattr(layer, name) for name in fields}
    placed = {name: None if array is None else array[order] for name, array in arrays.items()}
    return replace(layer, connections=connections, **placed)


def _reordered_weight(
    connection: Connection, order: np.ndarray | None, source_order: np.ndarray | None
) -> np.ndarray:
    weight = connection.weight
    if order is not None:
        weight = weight[order]
    if source_order is not None and connection.groups == 1:
        weight = weight[:, source_order]
    return np.ascontiguousarray(weight)
