"""What event counts of a network look like, and the check that they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ..errors import RheobaseError, shown
from .event_counts import EventCounts, Seen, seen_by
from .layers import IMAGE, PIXEL_BITS
from .unchecked_network import UncheckedNetwork
from .windows import tap_offsets

#: Images that counts may be of.
MOST_IMAGES = 64
#: Windows of pixels that are kept of a connection.
MOST_WINDOWS = 2048


def map_shapes(network: UncheckedNetwork) -> dict[Seen, tuple[tuple[int, int, int], np.dtype]]:
    """Of everything that is seen: (T, rows, columns) of its counts, and their type.

    T is that of what is seen.
    """
    result = {}
    for index, layer in enumerate(network.layers):
        for connection, source in zip(layer.connections, network.shapes[index].inputs, strict=True):
            pixels = connection.source == IMAGE
            most = connection.in_channels * (PIXEL_BITS if pixels else 1)
            steps = 1 if pixels else network.steps_of(connection.source)
            shape = (steps, *source[1:])
            result[seen_by(connection)] = shape, np.min_scalar_type(most)
    return result


def window_shapes(network: UncheckedNetwork) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Of each connection that sees the image: (kernel rows, kernel columns, channels)."""
    return {
        (index, number): (
            len(tap_offsets(connection, 0)),
            len(tap_offsets(connection, 1)),
            connection.in_channels,
        )
        for index, layer in enumerate(network.layers)
        for number, connection in enumerate(layer.connections)
        if connection.source == IMAGE
    }


def seen_layers(network: UncheckedNetwork) -> list[int]:
    """Indices of the layers that some connection sees, ascending."""
    sources = {one.source for layer in network.layers for one in layer.connections}
    return sorted(sources - {IMAGE})


def check_event_counts(network: UncheckedNetwork, counts: EventCounts) -> None:
    """Raise ``RheobaseError`` where ``counts`` are not of ``network``."""
    shapes, windows = map_shapes(network), window_shapes(network)
    if counts.maps.keys() != shapes.keys() or counts.windows.keys() != windows.keys():
        raise RheobaseError("events: not of this network's connections, must be what it sees")
    images = counts.images
    if not 1 <= images <= MOST_IMAGES:
        raise RheobaseError(f"events: of {images} images, must be 1..{MOST_IMAGES}")
    for seen, (shape, kind) in shapes.items():
        events, where = counts.maps[seen], f"events of {_named(seen)}"
        _check(where, events, kind, (images, *shape))
        most = seen[2] * (PIXEL_BITS if seen[0] == IMAGE else 1)
        if events.max() > most:
            raise RheobaseError(f"{where}: {events.max()} at a position, must be 0..{most}")
    for (index, number), shape in windows.items():
        found = counts.windows[index, number]
        where = f"windows of connection {number} of layer {shown(network.layers[index].name)}"
        if found.ndim != 4 or len(found) > MOST_WINDOWS:
            raise RheobaseError(
                f"{where}: {shown(found.shape)}, must be 0..{MOST_WINDOWS} of {shape}"
            )
        _check(where, found, np.uint8, (len(found), *shape))

    if counts.channels and counts.channels.keys() != {*seen_layers(network)}:
        raise RheobaseError("events: of other layers' channels, must be of those that are seen")
    for index, events in counts.channels.items():
        where = f"events of the channels of layer {shown(network.layers[index].name)}"
        _check(where, events, np.uint32, (network.layers[index].out_channels,))


def _check(where: str, array: np.ndarray, kind: DTypeLike, shape: tuple[int, ...]) -> None:
    if array.dtype != kind or array.shape != shape:
        raise RheobaseError(
            f"{where}: {array.dtype} {shown(array.shape)}, must be {np.dtype(kind).name} {shape}"
        )
    array.flags.writeable = False


def _named(seen: Seen) -> str:
    source, first, channels = seen
    of = "the image" if source == IMAGE else f"layer {source}"
    return f"channels {first}..{first + channels - 1} of {of}"
