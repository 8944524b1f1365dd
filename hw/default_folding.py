"""Foldings worth having, and the default one: the fastest that so many adders allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..golden.network import Network
from .checks import check_range
from .cycles import fewest_firing, image_cycles, layer_stages
from .event_counts import NetworkEvents, assumed_events
from .folding import (
    Folding,
    LayerFolding,
    connection_lanes,
    connection_row_words,
    most_lanes,
)
from .streamed_readout import is_streamed
from .synapses import fits_parts, is_direct

#: Adders (P x E, summed over the layers) that the folding may use where no device is named.
DEFAULT_ADDERS = 160
#: A readout that could be streamed is given an adder for every class up to so many.
MOST_STREAMED_CLASSES = 128
#: Every E up to this one is an option, and about every tenth part beyond.
DENSE_LANES = 24
#: What a lane takes besides its adders, in adders: its scanner, queues and share of the join.
LANE_ADDERS = 8


def within_words(network: Network, folding: Folding) -> Folding:
    """``folding`` with no more lanes in a streamed readout than bits in a word of its source."""
    return tuple(
        replace(fold, lanes=min(fold.lanes, folding[layer.connections[0].source].neurons))
        if is_streamed(network, index, fold.neurons)
        else fold
        for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True))
    )


def default_folding(
    network: Network, events: NetworkEvents | None = None, adders: int = DEFAULT_ADDERS
) -> Folding:
    """The fastest P and E that ``adders`` adders in all allow, no layer faster than needed.

    For a given time per image each layer takes the fewest adders that keep to it; the least time
    whose adders are enough is searched for.

    Args:
        events: what the windows hold; guessed from the geometry where None.
        adders: P x E, summed over all connections; where it is too small for P = E = 1
            everywhere, that is the folding.

    Raises:
        RheobaseError: ``adders`` below 1.
    """
    check_range("folding", "adders", adders, 1, None)
    events = assumed_events(network) if events is None else events
    choices = []
    for index in range(len(network.layers)):
        options = []
        for neurons in layer_neurons(network, index):
            for lanes in lane_choices(network, index, neurons, None):
                fold = LayerFolding(neurons, lanes)
                used = sum(max(1, e) for e in connection_lanes(network, index, fold))
                cycles = image_cycles(layer_stages(network, index, fold, events[index]))
                options.append((used * (neurons + LANE_ADDERS), cycles, used * neurons, fold))
        worthwhile, fastest = [], np.inf
        for _, cycles, used, fold in sorted(options, key=lambda option: option[:2]):
            if cycles < fastest:
                fastest = cycles
                worthwhile.append((cycles, used, fold))
        choices.append(worthwhile)

    def fit(target: float) -> Folding | None:
        chosen = [next((o for o in options if o[0] <= target), None) for options in choices]
        if None in chosen or sum(option[1] for option in chosen) > adders:
            return None
        return tuple(option[2] for option in chosen)

    targets = sorted({cycles for options in choices for cycles, _, _ in options})
    low, high, best = 0, len(targets) - 1, None
    while low <= high:
        middle = (low + high) // 2
        folding = fit(targets[middle])
        if folding is None:
            low = middle + 1
        else:
            best, high = folding, middle - 1
    found = within_words(network, best or tuple(LayerFolding(1, 1) for _ in network.layers))
    return in_turns(network, found, events)


def in_turns(network: Network, folding: Folding, events: NetworkEvents) -> Folding:
    """``folding`` with the fewest neurons firing at once for which no other stage waits."""
    result = []
    for index, fold in enumerate(folding):
        stages = layer_stages(network, index, replace(fold, firing=None), events[index])
        result.append(replace(fold, firing=fewest_firing(network, index, fold, stages)))
    return tuple(result)


def layer_neurons(network: Network, index: int) -> list[int]:
    """P worth having: the fewest for each number of groups.

    Grouped kernels are given neurons that fit their parts, so that no zeros are stored.
    """
    layer = network.layers[index]
    channels = layer.out_channels
    if is_streamed(network, index, channels) and channels <= MOST_STREAMED_CLASSES:
        return [channels]
    grouped = [c for c in layer.connections if c.groups > 1 and not is_direct(c)]
    if grouped:
        most = min(connection.out_channels // connection.groups for connection in grouped)
        return [p for p in range(1, most + 1) if all(fits_parts(c, p) for c in grouped)]
    return sorted({-(-channels // groups) for groups in range(1, channels + 1)})


def lane_choices(
    network: Network, index: int, neurons: int, rows: tuple[bool, ...] | None
) -> list[int]:
    """E worth trying."""
    layer = network.layers[index]
    row_words = connection_row_words(network, index, LayerFolding(neurons, 1, rows))
    most = max(
        (
            most_lanes(connection, neurons, words)
            for connection, words in zip(layer.connections, row_words, strict=True)
            if not is_direct(connection)
        ),
        default=1,
    )
    found, lanes = [], 1
    while lanes <= most:
        found.append(lanes)
        lanes += 1 if lanes < DENSE_LANES else lanes // 10
    return found
