"""Counts the events of calibration images, and chooses those that stand for all of them."""

from __future__ import annotations

import numpy as np

from ..network.event_counts import EventCounts, Seen
from ..network.event_validation import MOST_WINDOWS, map_shapes, seen_layers, window_shapes
from ..network.network import IMAGE, Network
from ..network.windows import tap_offsets, window_steps
from .records import LayerRecord
from .run import run_golden

#: Images, numbers and windows of each connection that a network's file carries at most.
KEPT_IMAGES, KEPT_NUMBERS, KEPT_WINDOWS = 16, 1 << 18, 512
#: Bytes of windows that are kept of a connection where a window is large.
WINDOW_BYTES = 1 << 16
#: Windows that are kept whatever their size.
LEAST_WINDOWS = 32
#: Numbers that a recorded run may hold at a time.
_RECORDED = 1 << 23
#: How often each image that stands for others is exchanged for a better one.
_EXCHANGES = 4
#: Part of the image that a window may cover and still be kept as it is.
_LARGEST_PART = 1 / 4


def count_events(network: Network, images: np.ndarray) -> EventCounts:
    """Counts of the golden model on ``images``: uint8, (images, channels, rows, columns)."""
    neurons = sum(int(np.prod(shape.output)) for shape in network.shapes)
    batch = max(1, _RECORDED // (neurons * network.steps))
    shapes = map_shapes(network)
    parts: dict[Seen, list[np.ndarray]] = {seen: [] for seen in shapes}
    of_channels = {
        index: np.zeros(network.layers[index].out_channels, np.uint64)
        for index in seen_layers(network)
    }
    for start in range(0, len(images), batch):
        shown = images[start : start + batch]
        records = run_golden(network, shown, record=True).layers
        for seen, (_, kind) in shapes.items():
            source, first, channels = seen
            spikes = None if source == IMAGE else records[source].spikes
            # A spike of either sign is an event.
            held = np.bitwise_count(shown[:, np.newaxis]) if spikes is None else np.abs(spikes)
            held = held[:, :, first : first + channels]
            parts[seen].append(held.sum(axis=2, dtype=np.int64).astype(kind))
        for index, total in of_channels.items():
            total += _channel_spikes(records[index])
    windows = {
        (index, number): image_windows(network, index, number, images)
        for index, number in window_shapes(network)
    }
    return EventCounts(
        {seen: np.concatenate(part) for seen, part in parts.items()},
        windows,
        {index: _as_uint32(total) for index, total in of_channels.items()},
    )


def _channel_spikes(record: LayerRecord) -> np.ndarray:
    """Spikes of either sign of each channel: uint64, (channels,)."""
    if record.spikes is None:
        raise ValueError(f"layer {record.name!r} is read out and sends no spikes")
    return np.count_nonzero(record.spikes, axis=(0, 1, 3, 4)).astype(np.uint64)


def _as_uint32(counts: np.ndarray) -> np.ndarray:
    """``counts``, or those of a part of the images where they are too many."""
    return (counts // (int(counts.max(initial=0)) // 2**32 + 1)).astype(np.uint32)


def image_windows(network: Network, index: int, number: int, images: np.ndarray) -> np.ndarray:
    """A sample of the windows of pixels that layer ``index`` sees, see ``EventCounts.windows``.

    Args:
        images: uint8, (images, channels, rows, columns).
    """
    connection, shape = network.layers[index].connections[number], network.shapes[index]
    first, channels = connection.in_start, connection.in_channels
    seen = slice(first, first + channels)
    axes, visited = [], []
    for axis in range(2):
        stride, before = window_steps(connection, axis)
        windows = _visited(network, index, axis)
        taps = windows[:, np.newaxis] * stride - before + tap_offsets(connection, axis)
        extent = images.shape[2 + axis]
        # A row and a column behind the map stand for what lies outside.
        axes.append(np.where((taps >= 0) & (taps < extent), taps, extent))
        visited.append(len(windows))
    padded = np.empty(
        (len(images), channels, images.shape[2] + 1, images.shape[3] + 1), dtype=np.uint8
    )
    padded[:] = network.zero_point[seen][:, np.newaxis, np.newaxis]
    padded[:, :, :-1, :-1] = images[:, seen]
    kernel = tuple(taps.shape[1] for taps in axes)
    size = kernel[0] * kernel[1] * channels
    most = max(LEAST_WINDOWS, min(MOST_WINDOWS, WINDOW_BYTES // size))
    rng = np.random.default_rng(0)
    total = len(images) * visited[0] * visited[1]
    drawn = rng.permutation(total) if total <= 4 * most else rng.choice(total, 4 * most, False)
    image, row, column = np.unravel_index(drawn, (len(images), *visited))
    windows = padded[
        image[:, np.newaxis, np.newaxis],
        :,
        axes[0][row][:, :, np.newaxis],
        axes[1][column][:, np.newaxis],
    ]
    windows = windows[windows.any(axis=(1, 2, 3))][:most]
    if kernel[0] * kernel[1] > _LARGEST_PART * shape.inputs[number][1] * shape.inputs[number][2]:
        # As bright as before at each position, but nobody's picture.
        windows = rng.permuted(windows, axis=0)
    return windows


def _visited(network: Network, index: int, axis: int) -> np.ndarray:
    """Rows (columns) in front of the pooling that some output takes the maximum of."""
    pool, shape = network.layers[index].pool, network.shapes[index]
    outputs = np.arange(shape.output[1 + axis])
    if pool is None:
        return outputs
    starts = outputs * pool.stride[axis] - pool.padding[axis]
    rows = (starts[:, np.newaxis] + np.arange(pool.kernel[axis])).ravel()
    return rows[(rows >= 0) & (rows < shape.conv[1 + axis])]


def kept_counts(counts: EventCounts) -> EventCounts:
    """What a network's file carries of ``counts``: fewer images, and fewer windows."""
    size = sum(events[0].size for events in counts.maps.values())
    kept = representative(counts, max(1, min(KEPT_IMAGES, KEPT_NUMBERS // size)))
    windows = {key: found[:KEPT_WINDOWS] for key, found in kept.windows.items()}
    return EventCounts(kept.maps, windows, kept.channels)


def representative(counts: EventCounts, most: int) -> EventCounts:
    """Of at most ``most`` images, chosen so that their means are close to those of all."""
    totals = np.stack(
        [events.reshape(counts.images, -1).sum(axis=1) for events in counts.maps.values()], axis=1
    ).astype(float)
    totals /= np.maximum(totals.mean(axis=0), 1)
    kept = min(most, counts.images)
    wanted, chosen = kept * totals.mean(axis=0), np.arange(kept)
    for place in list(range(kept)) * _EXCHANGES:
        others = totals[np.delete(chosen, place)].sum(axis=0)
        off = np.abs(others + totals - wanted).sum(axis=1)
        off[np.delete(chosen, place)] = np.inf
        chosen[place] = off.argmin()
    return counts.of(np.sort(chosen))
