"""P, E and F that are worth having, layer by layer."""

from __future__ import annotations

from dataclasses import replace

from ....golden.basics.arithmetic import ceil_div
from ....golden.network.network import Network
from ...design.folding import Folding, LayerFolding, connection_row_words, most_lanes
from ...design.layer_design import layer_design
from ...design.synapses import fits_kernel_groups, is_direct, is_streamed
from ..cycles import fewest_firing, layer_stages
from ..event_counts import NetworkEvents

#: A readout that could be streamed is given an adder for every class up to so many.
MOST_STREAMED_CLASSES = 128
#: Every E up to this one is an option, and about every tenth beyond.
DENSE_LANES = 24


def within_words(network: Network, folding: Folding) -> Folding:
    """``folding`` with no more lanes in a streamed readout than bits in a word of its source."""
    return tuple(
        replace(fold, lanes=min(fold.lanes, folding[layer.connections[0].source].neurons))
        if fold.streamed(network, index)
        else fold
        for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True))
    )


def in_turns(network: Network, folding: Folding, events: NetworkEvents) -> Folding:
    """``folding`` with the fewest neurons firing at once for which no other stage waits."""
    result = []
    for index, fold in enumerate(folding):
        design = layer_design(network, index, replace(fold, firing=None))
        stages = layer_stages(design, events[index])
        result.append(replace(fold, firing=fewest_firing(design, stages)))
    return tuple(result)


def layer_neurons(network: Network, index: int) -> list[int]:
    """P worth having: the fewest for each number of groups.

    Grouped kernels are given neurons that fit their kernel groups, so that no zeros are stored.
    """
    layer = network.layers[index]
    channels = layer.out_channels
    if is_streamed(network, index, channels) and channels <= MOST_STREAMED_CLASSES:
        return [channels]
    grouped = [c for c in layer.connections if c.groups > 1 and not is_direct(c)]
    if grouped:
        most = min(connection.out_channels // connection.groups for connection in grouped)
        return [p for p in range(1, most + 1) if all(fits_kernel_groups(c, p) for c in grouped)]
    return sorted({ceil_div(channels, groups) for groups in range(1, channels + 1)})


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
