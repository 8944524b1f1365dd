"""What the windows of a layer hold: counted on calibration images, or guessed from the geometry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np

from ...golden.errors import shown
from ...golden.network.event_counts import EventCounts, seen_by
from ...golden.network.limits import check_memory
from ...golden.network.network import IMAGE, PIXEL_BITS, Coding, Network
from ...golden.run.event_counting import count_events, image_windows
from ..design.geometry import WindowGeometry, window_geometry
from .pixel_windows import PixelWindows

#: Share of inputs that is taken to be an event per step where nothing was measured.
DEFAULT_ACTIVITY = {Coding.RATE: 0.15, Coding.RADIX: 0.25}
#: Share of pixel bits that is taken to be set where nothing was measured.
DEFAULT_PIXEL_ACTIVITY = 0.25


@dataclass(frozen=True, eq=False)
class WindowEvents:
    """What one connection's windows hold, for one group of neurons; per image, per row of outputs.

    A *unit* is what the lanes make one sum of: a window at one step in ``rate``, a window over its
    whole train, or a window of pixels.

    Attributes:
        units: float, (images, rows, largest events + 1): how many units hold so many events.
        planes: the same for the planes (steps) of a train that has any event (``radix``); of no
            events alone elsewhere.
        slabs: float, (2, images, rows): kernel columns, and taps, that are fetched for all units:
            what a buffer of column words, and one of row words, is read for.
        windows: a sample of the windows of pixels; None for spikes.
    """

    units: np.ndarray
    planes: np.ndarray
    slabs: np.ndarray
    windows: PixelWindows | None = None

    @property
    def events(self) -> float:
        """Events of an image, on average."""
        return float((self.units @ np.arange(self.units.shape[-1])).sum() / len(self.units))


#: Events of each connection of each layer.
NetworkEvents = tuple[tuple[WindowEvents, ...], ...]


def counted_events(network: Network, images: np.ndarray) -> NetworkEvents:
    """Counts of the golden model on ``images``: uint8, (images, channels, rows, columns)."""
    return window_events(network, count_events(network, images))


def known_events(network: Network) -> NetworkEvents:
    """Of the images whose counts ``network`` carries; guessed where it carries none."""
    if network.events is None:
        return assumed_events(network)
    return window_events(network, network.events)


def window_events(network: Network, counts: EventCounts) -> NetworkEvents:
    """What the windows of all connections hold in the images that ``counts`` are of."""
    return tuple(
        tuple(
            _counted(
                network,
                index,
                number,
                counts.maps[seen_by(connection)].astype(np.int64),
                counts.windows.get((index, number)),
            )
            for number, connection in enumerate(layer.connections)
        )
        for index, layer in enumerate(network.layers)
    )


def assumed_events(network: Network) -> NetworkEvents:
    """A guess from the geometry alone: every input is an event with the same probability."""
    result = []
    for index, layer in enumerate(network.layers):
        counts = []
        for number, connection in enumerate(layer.connections):
            inputs = connection.in_channels
            rows, columns = network.shapes[index].inputs[number][1:]
            rng = np.random.default_rng(index * 1000 + number)
            if connection.source == IMAGE:
                drawn = 9 * PIXEL_BITS * math.prod(network.input_shape)
                check_memory(f"planning layer {shown(layer.name)}", drawn)
                draws = (
                    rng.random((1, network.input_shape[0], rows, columns, PIXEL_BITS))
                    < DEFAULT_PIXEL_ACTIVITY
                )
                pixels = np.packbits(draws, axis=-1)[..., 0]
                seen = slice(connection.in_start, connection.in_start + inputs)
                bits = np.bitwise_count(pixels[:, seen]).sum(axis=1, dtype=np.int64)[:, np.newaxis]
                windows = image_windows(network, index, number, pixels)
                counts.append(_counted(network, index, number, bits, windows))
                continue
            steps = network.steps_of(connection.source)
            check_memory(f"planning layer {shown(layer.name)}", 16 * steps * rows * columns)
            activity = DEFAULT_ACTIVITY[network.coding]
            bits = rng.binomial(inputs, activity, (1, steps, rows, columns))
            counts.append(_counted(network, index, number, bits))
        result.append(tuple(counts))
    return tuple(result)


def _counted(
    network: Network,
    index: int,
    number: int,
    bits: np.ndarray,
    sample: np.ndarray | None = None,
) -> WindowEvents:
    """Counts of one connection.

    Args:
        bits: int, (images, steps, rows, columns): events of all channels that are seen.
        sample: where they are pixels, a sample of the windows (``EventCounts.windows``).
    """
    layer = network.layers[index]
    connection = layer.connections[number]
    pixels = connection.source == IMAGE
    geometry = window_geometry(network, index, number, 1)
    part = _kept(network, index, number)
    bits = bits[..., part[0], :][..., part[1]]
    flags = bits.any(axis=1)
    windows_of = [geometry.output[axis] * geometry.pool_kernel[axis] for axis in range(2)]
    extents = (geometry.rows, geometry.columns)
    taps_held = sum(windows_of[axis] * geometry.kernel[axis] * extents[axis] for axis in range(2))
    units = len(bits) * bits.shape[1] * math.prod(windows_of)
    check_memory(f"planning layer {shown(layer.name)}", 8 * (taps_held + bits.size + 2 * units))
    taps = [_taps(geometry, axis) for axis in range(2)]
    inside = [axis.sum(axis=1) for axis in taps]  # (windows, rows)
    held = np.einsum("yr,ntrc,xc->ntyx", inside[0], bits, inside[1])
    columns = np.einsum("yr,nrc->nyc", inside[0], flags) > 0
    busy_columns = np.einsum("nyc,xkc->nyx", columns, taps[1])
    busy_taps = np.einsum("yr,nrc,xc->nyx", inside[0], flags, inside[1])
    if pixels and network.zero_point.any():
        # Padded pixels are the zero point, which has set bits.
        absent = [geometry.kernel[axis] - inside[axis].sum(axis=1) for axis in range(2)]
        size = geometry.kernel[0] * geometry.kernel[1]
        padded = size - np.outer(*(geometry.kernel[axis] - absent[axis] for axis in range(2)))
        seen = network.zero_point[connection.in_start :][: connection.in_channels]
        held = held + padded * int(np.bitwise_count(seen).sum())
        above = absent[0][:, np.newaxis] > 0
        busy_columns = np.where(above, geometry.kernel[1], busy_columns + absent[1])
        busy_taps = busy_taps + padded
    valid = np.outer(*(_positions(geometry, axis) for axis in range(2)))
    busy = (busy_taps > 0) & valid
    visits = np.broadcast_to(valid, busy.shape).astype(float)
    if len(layer.connections) == 1:
        visits = busy + _stand_ins(geometry, valid & ~busy)
    radix = network.coding == Coding.RADIX
    separate = bits.shape[1]
    of_row = (geometry.output[0], geometry.pool_kernel[0])
    if radix or pixels:
        units = _histograms(held.sum(axis=1), visits, of_row)
    else:
        most = int(held.max())
        each = (_histograms(held[:, step], visits, of_row, most) for step in range(separate))
        units = reduce(np.add, each)
    planes = np.zeros((*units.shape[:2], 1))
    if radix and not pixels:
        most = int(held.max())
        each = (_histograms(held[:, step], busy, of_row, most) for step in range(separate))
        planes = reduce(np.add, each)
    fetched = separate * geometry.step_planes
    slabs = [
        (visits * np.where(busy, count * fetched, 1 if radix or pixels else separate))
        .reshape(len(bits), *of_row, -1)
        .sum(axis=(2, 3))
        for count in (busy_columns, busy_taps)
    ]
    windows = PixelWindows(sample) if sample is not None and len(sample) else None
    return WindowEvents(units, planes, np.array(slabs), windows)


def _kept(network: Network, index: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the source's map that the connection's buffer keeps."""
    from ..design.map_part import map_part

    shape = network.shapes[index]
    connection = network.layers[index].connections[number]
    part = map_part(connection, shape.inputs[number], shape.conv[1:], 1)
    return np.array(part.rows), np.array(part.columns)


def _taps(geometry: WindowGeometry, axis: int) -> np.ndarray:
    """int, (window rows, kernel rows, kept rows): where each tap of each window row lies."""
    offsets = geometry.taps[axis]
    extent = (geometry.rows, geometry.columns)[axis]
    taps = np.zeros((geometry.output[axis] * geometry.pool_kernel[axis], len(offsets), extent), int)
    window = 0
    for output in range(geometry.output[axis]):
        for position in range(geometry.pool_kernel[axis]):
            first = geometry.origin[axis] + output * geometry.advance[axis]
            first += position * geometry.stride[axis]
            for tap, offset in enumerate(offsets):
                masks = geometry.valid_taps and geometry.valid_taps[axis][output]
                bit = position * len(offsets) + tap
                if 0 <= first + offset < extent and (masks is None or masks >> bit & 1):
                    taps[window, tap, first + offset] = 1
            window += 1
    return taps


def _positions(geometry: WindowGeometry, axis: int) -> np.ndarray:
    """bool, (window rows,): whether each lies inside the convolution's output."""
    starts = np.arange(geometry.output[axis]) * geometry.pool_stride[axis]
    rows = starts[:, np.newaxis] - geometry.pool_padding[axis]
    rows = (rows + np.arange(geometry.pool_kernel[axis])).ravel()
    return (rows >= 0) & (rows < geometry.conv[axis])


def _stand_ins(geometry: WindowGeometry, blank: np.ndarray) -> np.ndarray:
    """The share that each blank window has in the one visit of all blank ones of an output."""
    (rows, columns), (down, across) = geometry.output, geometry.pool_kernel
    grouped = blank.reshape(-1, rows, down, columns, across)
    count = grouped.sum(axis=(2, 4), keepdims=True)
    return (grouped / np.maximum(count, 1)).reshape(blank.shape)


def _histograms(
    values: np.ndarray, weights: np.ndarray, of_row: tuple[int, int], most: int | None = None
) -> np.ndarray:
    """How often each value of 0..``most`` occurs in each image and row of outputs, by weight."""
    most = int(values.max()) if most is None else most
    images, rows = len(values), of_row[0]
    values = values.reshape(images * rows, -1)
    keys = values + np.arange(images * rows)[:, np.newaxis] * (most + 1)
    counts = np.bincount(
        keys.ravel(), weights.astype(float).ravel(), minlength=images * rows * (most + 1)
    )
    return counts.reshape(images, rows, most + 1)


#: Numbers of events for which the largest share is computed; it is interpolated between them.
_GRID = np.unique(np.round(np.concatenate([np.arange(9), 2 ** np.arange(3.5, 14.5, 0.5)])))
#: Shares that are drawn for each, of all lanes together.
_SHARES = 2500


def expected_most(events: np.ndarray, lanes: int) -> np.ndarray:
    """Mean of the largest share when so many ``events`` are dealt at random to ``lanes``."""
    return np.interp(events, _GRID, _most_on_grid(lanes))


@lru_cache(maxsize=1024)
def _most_on_grid(lanes: int) -> np.ndarray:
    """From so many deals that it is known to about a percent."""
    if lanes == 1:
        return _GRID
    rng = np.random.default_rng(lanes)
    shares, deals = np.full(lanes, 1 / lanes), max(8, _SHARES // lanes)
    return np.array(
        [rng.multinomial(int(events), shares, deals).max(axis=1).mean() for events in _GRID]
    )
