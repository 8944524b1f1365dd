"""Event counts as tensors of a network's file."""

from __future__ import annotations

import numpy as np

from ..errors import RheobaseError, shown
from ..network.event_counts import EventCounts, Seen
from ..network.event_validation import map_shapes, window_shapes
from ..network.network import IMAGE, Network

_MAPS, _WINDOWS = "events.", "windows."


def event_tensors(counts: EventCounts) -> dict[str, np.ndarray]:
    """Tensors of ``counts`` by name."""
    maps = {_map_name(seen): events for seen, events in counts.maps.items()}
    return maps | {_window_name(*key): windows for key, windows in counts.windows.items()}


def is_event_tensor(name: str) -> bool:
    """Whether a tensor of that name is of the event counts."""
    return name.startswith((_MAPS, _WINDOWS))


def parsed_events(network: Network, tensors: dict[str, np.ndarray]) -> EventCounts | None:
    """The counts in ``tensors``; None of none. Shapes and values are checked with the network.

    Raises:
        RheobaseError: a tensor is missing, or not of this network.
    """
    if not tensors:
        return None
    maps = {_map_name(seen): seen for seen in map_shapes(network)}
    windows = {_window_name(*key): key for key in window_shapes(network)}
    expected = maps.keys() | windows.keys()
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
    )


def _map_name(seen: Seen) -> str:
    source, first, channels = seen
    return f"{_MAPS}{'image' if source == IMAGE else source}.{first}.{channels}"


def _window_name(index: int, number: int) -> str:
    return f"{_WINDOWS}{index}.{number}"
