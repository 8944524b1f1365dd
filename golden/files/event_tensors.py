"""Event counts as tensors of a network's file."""

from __future__ import annotations

import numpy as np

from ..errors import RheobaseError, shown
from ..network.event_counts import EventCounts, Seen
from ..network.event_validation import map_shapes, seen_layers, window_shapes
from ..network.network import IMAGE, Network

_MAPS, _WINDOWS, _CHANNELS = "events.", "windows.", "channels."


def event_tensors(counts: EventCounts) -> dict[str, np.ndarray]:
    """Tensors of ``counts`` by name."""
    maps = {_map_name(seen): events for seen, events in counts.maps.items()}
    windows = {_window_name(*key): windows for key, windows in counts.windows.items()}
    channels = {_channels_name(index): events for index, events in counts.channels.items()}
    return maps | windows | channels


def is_event_tensor(name: str) -> bool:
    """Whether a tensor of that name is of the event counts."""
    return name.startswith((_MAPS, _WINDOWS, _CHANNELS))


def parsed_events(
    network: Network, tensors: dict[str, np.ndarray], *, of_channels: bool
) -> EventCounts | None:
    """The counts in ``tensors``; None of none. Shapes and values are checked with the network.

    Args:
        of_channels: those of channels are among them.

    Raises:
        RheobaseError: a tensor is missing, or not of this network.
    """
    if not tensors:
        return None
    maps = {_map_name(seen): seen for seen in map_shapes(network)}
    windows = {_window_name(*key): key for key in window_shapes(network)}
    seen = seen_layers(network) if of_channels else []
    channels = {_channels_name(index): index for index in seen}
    expected = maps.keys() | windows.keys() | channels.keys()
    for problem, names in (
        ("missing", expected - tensors.keys()),
        ("not part of the network", tensors.keys() - expected),
    ):
        if names:
            raise RheobaseError(f"tensor {shown(min(names))} is {problem}")
    if any(array.ndim == 0 for array in tensors.values()):
        raise RheobaseError("events: a tensor without dimensions, must be one entry an image")
    return EventCounts(
        {seen: tensors[name] for name, seen in maps.items()},
        {key: tensors[name] for name, key in windows.items()},
        {index: tensors[name] for name, index in channels.items()},
    )


def _map_name(seen: Seen) -> str:
    source, first, channels = seen
    return f"{_MAPS}{'image' if source == IMAGE else source}.{first}.{channels}"


def _window_name(index: int, number: int) -> str:
    return f"{_WINDOWS}{index}.{number}"


def _channels_name(index: int) -> str:
    return f"{_CHANNELS}{index}"
