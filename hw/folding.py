"""Folding: P neurons and E event lanes of each layer, the only knobs for speed against area."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..golden.errors import RheobaseError
from ..golden.network import Coding, Network
from .partition import largest_lanes
from .support import check_supported

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


@dataclass(frozen=True)
class LayerFolding:
    """Folding of one layer: ``neurons`` is P, ``lanes`` is E."""

    neurons: int
    lanes: int


Folding = tuple[LayerFolding, ...]


def check_folding(network: Network, folding: Folding) -> None:
    """Raise ``RheobaseError`` naming the layer whose P or E is out of range, or not supported."""
    check_supported(network)
    if len(folding) != len(network.layers):
        raise RheobaseError(
            f"folding: {len(folding)} layers, accepted is one P and E for each of the "
            f"{len(network.layers)} layers"
        )
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        limits = (
            ("P", fold.neurons, layer.out_channels),
            ("E", fold.lanes, largest_lanes(layer.connections[0], index == 0)),
        )
        for name, value, high in limits:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
                raise RheobaseError(
                    f"folding: {name} of layer {layer.name!r} is {value!r}, accepted is 1..{high}"
                )


def estimate_cycles(
    network: Network, index: int, fold: LayerFolding, window_events: float
) -> float:
    """Cycles per image that layer ``index`` is expected to take when nothing holds it up.

    The largest of what its stages take: the lanes (an event a cycle, and one for a unit without
    events, taken to be spread at random), the fetching of window columns, and the neurons' steps.

    Args:
        window_events: events per image of the layer's windows.
    """
    layer, shape = network.layers[index], network.shapes[index]
    groups = -(-layer.out_channels // fold.neurons)
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    outputs = shape.output[1] * shape.output[2]
    windows = outputs * positions
    spikes = index > 0
    rate = network.coding == Coding.RATE
    units = windows * (network.steps if spikes and rate else 1)
    per_lane = window_events / units / fold.lanes
    lanes = units * (per_lane + math.exp(-per_lane))
    fetches = windows * layer.connections[0].kernel[1] * (network.steps if spikes else 1)
    firing = outputs * network.steps
    return groups * max(lanes, max(fetches, units, firing) / OTHER_STAGES)


def window_events_estimate(network: Network, index: int) -> float:
    """Events that the windows of one image hold, guessed from the geometry alone."""
    layer, shape = network.layers[index], network.shapes[index]
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    windows = shape.output[1] * shape.output[2] * positions
    inputs = layer.connections[0].weight[0].size
    if index == 0:
        return windows * inputs * 8 * DEFAULT_PIXEL_ACTIVITY
    return windows * inputs * network.steps * DEFAULT_ACTIVITY[network.coding]


def default_folding(
    network: Network,
    window_events: tuple[float, ...] | None = None,
    adders: int = DEFAULT_ADDERS,
) -> Folding:
    """The fastest P and E that ``adders`` adders in all allow, no layer faster than needed.

    For a given time per image each layer takes the smallest folding that keeps to it; the least
    time whose foldings fit is searched for.

    Args:
        window_events: events per image of each layer's windows (golden statistics on calibration
            images); guessed from the geometry where it is None.
        adders: P x E, summed over all layers; where it is too small for P = E = 1 everywhere,
            that is the folding.

    Raises:
        RheobaseError: a network that the hardware does not support, or ``adders`` below 1.
    """
    check_supported(network)
    if isinstance(adders, bool) or not isinstance(adders, int) or adders < 1:
        raise RheobaseError(f"folding: adders is {adders!r}, accepted is an integer >= 1")
    if window_events is None:
        window_events = tuple(
            window_events_estimate(network, index) for index in range(len(network.layers))
        )
    choices = []
    for index in range(len(network.layers)):
        costs = [
            (estimate_cycles(network, index, fold, window_events[index]), fold)
            for fold in _choices(network, index)
        ]
        choices.append(sorted(costs, key=lambda cost: (_area(cost[1]), cost[1].lanes)))

    def fit(target: float) -> Folding | None:
        folding = []
        for options in choices:
            enough = next((fold for cycles, fold in options if cycles <= target), None)
            if enough is None:
                return None
            folding.append(enough)
        total = sum(fold.neurons * fold.lanes for fold in folding)
        return tuple(folding) if total <= adders else None

    targets = sorted({cycles for options in choices for cycles, _ in options})
    low, high, best = 0, len(targets) - 1, None
    while low <= high:
        middle = (low + high) // 2
        folding = fit(targets[middle])
        if folding is None:
            low = middle + 1
        else:
            best, high = folding, middle - 1
    return best or tuple(LayerFolding(1, 1) for _ in network.layers)


def _area(fold: LayerFolding) -> int:
    """What a folding costs, in adders."""
    return fold.lanes * (fold.neurons + LANE_OVERHEAD)


def _choices(network: Network, index: int) -> list[LayerFolding]:
    """Foldings worth having: the fewest neurons for each number of groups, every E."""
    layer = network.layers[index]
    channels = layer.out_channels
    neurons = sorted({-(-channels // groups) for groups in range(1, channels + 1)})
    lanes = range(1, largest_lanes(layer.connections[0], index == 0) + 1)
    return [LayerFolding(p, e) for p in neurons for e in lanes]
