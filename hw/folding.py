"""Folding: P neurons and E event lanes of each layer, the only knobs for speed against area."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..golden.errors import RheobaseError
from ..golden.network import IMAGE, Coding, Connection, Network
from .map_part import tap_offsets
from .partition import largest_lanes
from .streamed_readout import is_streamed
from .synapses import fed_groups, fits_parts, is_direct

#: Adders (P x E, summed over the layers) that the default folding may use.
DEFAULT_ADDERS = 160
#: Share of inputs that is taken to be an event per step where nothing was measured.
DEFAULT_ACTIVITY = {Coding.RATE: 0.15, Coding.RADIX: 0.25}
#: Share of pixel bits that is taken to be set where nothing was measured.
DEFAULT_PIXEL_ACTIVITY = 0.25
#: What a lane costs besides its adders, in adders: its scanner, queues and share of the join.
LANE_OVERHEAD = 8
#: Part of the time that fetching and firing may take, so that the lanes are what limits a layer.
OTHER_STAGES = 0.8
#: A readout that could be streamed is given an adder for every class up to so many.
MOST_STREAMED_CLASSES = 128
#: The default folding tries every E up to this one, and about every tenth part beyond.
DENSE_LANES = 24


@dataclass(frozen=True)
class LayerFolding:
    """Folding of one layer.

    Attributes:
        neurons: P.
        lanes: E of each connection as a tuple (not read, 0 say, where the lane is direct), or the
            E of the connection with the largest window, of which the others get their share.
        row_words: per connection, whether a word of its buffer holds a pixel of one row and not a
            column of all rows: fewer block RAMs where that is wide and not deep, and weights
            that all rows of a ``sum_pool`` share, at a kernel row a cycle and E up to the
            channels. None for the default: where there is a ``sum_pool``. Pixels have none.
    """

    neurons: int
    lanes: int | tuple[int, ...]
    row_words: tuple[bool, ...] | None = None


Folding = tuple[LayerFolding, ...]


def connection_lanes(network: Network, index: int, fold: LayerFolding) -> tuple[int, ...]:
    """E of each connection of layer ``index``; 0 where the lane is direct.

    Where ``fold`` has one number, a smaller window gets lanes in proportion, at least one.
    """
    connections = network.layers[index].connections
    if isinstance(fold.lanes, tuple):
        return tuple(
            0 if is_direct(connection) else lanes
            for connection, lanes in zip(connections, fold.lanes, strict=True)
        )
    sizes = [
        0 if is_direct(connection) else _event_planes(network, connection) * _taps(connection)
        for connection in connections
    ]
    largest = max(sizes)
    return tuple(
        0
        if is_direct(connection)
        else min(most_lanes(connection, fold.neurons, rows), -(-fold.lanes * size // largest))
        for connection, size, rows in zip(
            connections, sizes, connection_row_words(network, index, fold), strict=True
        )
    )


def connection_row_words(network: Network, index: int, fold: LayerFolding) -> tuple[bool, ...]:
    """Whether each connection of layer ``index`` has a buffer of row words."""
    connections = network.layers[index].connections
    chosen = fold.row_words or [connection.sum_pool is not None for connection in connections]
    return tuple(
        rows and connection.source != IMAGE
        for connection, rows in zip(connections, chosen, strict=True)
    )


def check_folding(network: Network, folding: Folding) -> None:
    """Raise ``RheobaseError`` naming the layer whose P or E is out of range."""
    if len(folding) != len(network.layers):
        raise RheobaseError(
            f"folding: {len(folding)} layers, accepted is one P and E for each of the "
            f"{len(network.layers)} layers"
        )
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        where = f"of layer {layer.name!r}"
        _check(f"P {where}", fold.neurons, layer.out_channels)
        if fold.row_words is not None and len(fold.row_words) != len(layer.connections):
            raise RheobaseError(
                f"folding: row_words {where} has {len(fold.row_words)} values, accepted is one for "
                f"each of its {len(layer.connections)} connections"
            )
        most = [
            None if is_direct(connection) else most_lanes(connection, fold.neurons, rows)
            for connection, rows in zip(
                layer.connections, connection_row_words(network, index, fold), strict=True
            )
        ]
        if is_streamed(network, index, fold.neurons):
            # Its lanes share the words of its source as they come.
            most = [folding[layer.connections[0].source].neurons]
        if not isinstance(fold.lanes, tuple):
            _check(f"E {where}", fold.lanes, max((high for high in most if high), default=None))
            continue
        if len(fold.lanes) != len(most):
            raise RheobaseError(
                f"folding: E {where} has {len(fold.lanes)} values, accepted is one for each of its "
                f"{len(most)} connections"
            )
        for number, (lanes, high) in enumerate(zip(fold.lanes, most, strict=True)):
            if high is not None:
                _check(f"E of connection {number} {where}", lanes, high)


def _check(what: str, value: object, high: int | None) -> None:
    accepted = "an integer" if high is None else f"1..{high}"
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or (high is not None and not 1 <= value <= high):
        raise RheobaseError(f"folding: {what} is {value!r}, accepted is {accepted}")


def estimate_cycles(
    network: Network, index: int, fold: LayerFolding, window_events: tuple[float, ...]
) -> float:
    """Cycles per image that layer ``index`` is expected to take when nothing holds it up.

    The largest of what its stages take: each connection's lanes (an event a cycle, and one for a
    unit without events, taken to be spread at random) and its fetching of window columns, and the
    neurons' steps.

    Args:
        window_events: per connection, events per image of the layer's windows.
    """
    layer, shape = network.layers[index], network.shapes[index]
    groups = -(-layer.out_channels // fold.neurons)
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    outputs = shape.output[1] * shape.output[2]
    windows = outputs * positions
    rate = network.coding == Coding.RATE
    unit_steps = network.steps if rate and not layer.sees_only_image else 1
    units = windows * unit_steps
    slowest = groups * outputs * network.steps / OTHER_STAGES
    if is_streamed(network, index, fold.neurons):
        (lanes,) = connection_lanes(network, index, fold)
        return max(slowest, window_events[0] / lanes / OTHER_STAGES)
    for connection, lanes, events, row_words in zip(
        layer.connections,
        connection_lanes(network, index, fold),
        window_events,
        connection_row_words(network, index, fold),
        strict=True,
    ):
        fetched_steps = unit_steps if rate or connection.source == IMAGE else network.steps
        rows, columns = (len(tap_offsets(connection, axis)) for axis in range(2))
        fetches = windows * columns * fetched_steps * (rows if row_words else 1)
        if is_direct(connection):
            # A cycle for each kernel row of a column in which a spike gates a weight.
            others = windows * columns * rows * fetched_steps
            busy = 0.0
        else:
            if connection.source == IMAGE:
                events = events * unit_steps
            per_lane = events / units / lanes / connection.groups * _parts(connection, fold.neurons)
            fed = len(fed_groups(connection, fold.neurons)) / groups
            busy = units * (per_lane * fed + math.exp(-per_lane))
            others = fetches
        slowest = max(slowest, groups * max(busy, max(others, units) / OTHER_STAGES))
    return slowest


def window_events_estimate(network: Network, index: int) -> tuple[float, ...]:
    """Events that the windows of one image hold per connection, guessed from the geometry alone."""
    layer, shape = network.layers[index], network.shapes[index]
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    windows = shape.output[1] * shape.output[2] * positions
    events = []
    for connection in layer.connections:
        inputs = _taps(connection)
        if connection.source == IMAGE:
            events.append(windows * inputs * 8 * DEFAULT_PIXEL_ACTIVITY)
        else:
            activity = DEFAULT_ACTIVITY[network.coding]
            events.append(windows * inputs * network.steps * activity)
    return tuple(events)


def default_folding(
    network: Network,
    window_events: tuple[tuple[float, ...], ...] | None = None,
    adders: int = DEFAULT_ADDERS,
) -> Folding:
    """The fastest P and E that ``adders`` adders in all allow, no layer faster than needed.

    For a given time per image each layer takes the smallest folding that keeps to it; the least
    time whose foldings fit is searched for.

    Args:
        window_events: events per image of the windows of each layer's connections (golden
            statistics on calibration images); guessed from the geometry where it is None.
        adders: P x E, summed over all connections; where it is too small for P = E = 1
            everywhere, that is the folding.

    Raises:
        RheobaseError: ``adders`` below 1.
    """
    if isinstance(adders, bool) or not isinstance(adders, int) or adders < 1:
        raise RheobaseError(f"folding: adders is {adders!r}, accepted is an integer >= 1")
    if window_events is None:
        window_events = tuple(
            window_events_estimate(network, index) for index in range(len(network.layers))
        )
    choices = []
    for index in range(len(network.layers)):
        costs = [
            (
                estimate_cycles(network, index, fold, window_events[index]),
                _area(network, index, fold),
                _adders(network, index, fold),
                fold,
            )
            for fold in _choices(network, index)
        ]
        # Only what is faster than all smaller ones is ever chosen.
        worthwhile, fastest = [], math.inf
        for cycles, _, used, fold in sorted(costs, key=lambda cost: (cost[1], cost[3].lanes)):
            if cycles < fastest:
                fastest = cycles
                worthwhile.append((cycles, used, fold))
        choices.append(worthwhile)

    def fit(target: float) -> Folding | None:
        folding, total = [], 0
        for options in choices:
            enough = next((option for option in options if option[0] <= target), None)
            if enough is None:
                return None
            total += enough[1]
            folding.append(enough[2])
        return tuple(folding) if total <= adders else None

    targets = sorted({cycles for options in choices for cycles, _, _ in options})
    low, high, best = 0, len(targets) - 1, None
    while low <= high:
        middle = (low + high) // 2
        folding = fit(targets[middle])
        if folding is None:
            low = middle + 1
        else:
            best, high = folding, middle - 1
    return _within_words(network, best or tuple(LayerFolding(1, 1) for _ in network.layers))


def _within_words(network: Network, folding: Folding) -> Folding:
    """``folding`` with no more lanes in a streamed readout than bits in a word of its source."""
    return tuple(
        LayerFolding(fold.neurons, min(fold.lanes, folding[layer.connections[0].source].neurons))
        if is_streamed(network, index, fold.neurons)
        else fold
        for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True))
    )


def _taps(connection: Connection) -> int:
    """Inputs that a window of ``connection`` holds, all channels together."""
    return connection.in_channels * connection.kernel[0] * connection.kernel[1] * connection.area


def _event_planes(network: Network, connection: Connection) -> int:
    """How many events an input can be in a layer's whole time."""
    return 8 if connection.source == IMAGE else network.steps


def _parts(connection: Connection, neurons: int) -> float:
    """Parts of a grouped kernel that a group of P neurons sees, at least one and on average."""
    outputs = connection.out_channels // connection.groups
    return min(connection.groups, 1 if fits_parts(connection, neurons) else 1 + neurons / outputs)


def most_lanes(connection: Connection, neurons: int, row_words: bool) -> int:
    """Largest E of a connection: the bits of a slab that one group of neurons sees."""
    grouped = connection.groups > 1 and fits_parts(connection, neurons)
    channels = connection.weight.shape[1] if grouped else connection.in_channels
    rows, columns = (len(tap_offsets(connection, axis)) for axis in range(2))
    if connection.source != IMAGE:
        columns = 1
    return largest_lanes(1 if row_words else rows, columns, channels)


def _adders(network: Network, index: int, fold: LayerFolding) -> int:
    """Adders of a folding; a direct lane has P."""
    return fold.neurons * sum(max(1, e) for e in connection_lanes(network, index, fold))


def _area(network: Network, index: int, fold: LayerFolding) -> int:
    """What a folding costs, in adders."""
    lanes = sum(max(1, e) for e in connection_lanes(network, index, fold))
    return lanes * (fold.neurons + LANE_OVERHEAD)


def _choices(network: Network, index: int) -> list[LayerFolding]:
    """Foldings worth having: the fewest neurons for each number of groups, and most E.

    Grouped kernels are given neurons that fit their parts, so that no zeros are stored.
    """
    layer = network.layers[index]
    channels = layer.out_channels
    searched = [c for c in layer.connections if not is_direct(c)]
    grouped = [connection for connection in searched if connection.groups > 1]
    neurons = {-(-channels // groups) for groups in range(1, channels + 1)}
    if is_streamed(network, index, channels) and channels <= MOST_STREAMED_CLASSES:
        neurons = {channels}
    if grouped:
        outputs = [connection.out_channels // connection.groups for connection in grouped]
        neurons = {p for p in range(1, min(outputs) + 1) if all(fits_parts(c, p) for c in grouped)}
    folds = []
    for p in sorted(neurons):
        rows = connection_row_words(network, index, LayerFolding(p, 1))
        most = max(
            (
                most_lanes(connection, p, row_words)
                for connection, row_words in zip(layer.connections, rows, strict=True)
                if not is_direct(connection)
            ),
            default=1,
        )
        lanes = 1
        while lanes <= most:
            folds.append(LayerFolding(p, lanes))
            lanes += 1 if lanes < DENSE_LANES else lanes // 10
    return folds
