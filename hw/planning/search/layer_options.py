"""A layer's options: the foldings that the search chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....golden.basics.arithmetic import ceil_div
from ....golden.network.network import IMAGE, PIXEL_BITS, Network
from ...design.folding import (
    LaneChoice,
    LaneKind,
    LayerFolding,
    WeightMemory,
    connection_row_words,
)
from ...design.lane_obstacles import graph_obstacle, serial_obstacle
from ...design.layer_design import LayerDesign, layer_design
from ...memories.devices import Family
from ..area import layer_items, total_area
from ..cycles import fewest_firing, image_cycles, layer_stages
from ..event_counts import WindowEvents
from ..items import Area, Item
from ..large_memories import Buffers, with_large_rows
from .layer_choices import lane_choices, layer_neurons

#: A larger E is an option where it takes less than this fraction of the time of the one before.
WORTHWHILE = 0.98
#: Weights in logic are no option where they take more than so many for each block RAM saved.
MOST_LUTS_OF_A_BLOCK = 1000
#: A layer whose weights other than zero have more bits is given no graph: each has logic of its
#: own, and the search for shared terms takes minutes.
MOST_GRAPH_WEIGHT_BITS = 20_000
#: Adders of a serial layer: of more, event lanes make better use.
MOST_SERIAL_ADDERS = 32
#: Bits of a spike word that a serial layer is thought to be given, where there are as many.
LIKELY_WORD = 8


@dataclass(frozen=True)
class Option:
    """A folding of one layer; ``area`` is without its buffers."""

    fold: LayerFolding
    cycles: float
    area: Area


def layer_options(
    network: Network,
    index: int,
    events: Sequence[WindowEvents],
    family: Family,
    large: Buffers = frozenset(),
    lane_choice: LaneChoice = LaneChoice.EVENTS,
) -> list[Option]:
    """Foldings worth having: the fewest neurons for each number of groups, every useful E.

    Args:
        events: what the windows of the layer's connections hold.
        large: buffers that lie in large RAMs where they are of row words.
        lane_choice: kinds of lanes that it may have. A layer that can have no graph, or cannot be
            serial, has event lanes.
    """
    found = []
    if lane_choice in (LaneChoice.GRAPH, LaneChoice.AUTO):
        found += _graph_options(network, index, events, family)
    if lane_choice in (LaneChoice.SERIAL, LaneChoice.AUTO):
        found += _serial_options(network, index, events, family)
    if found and lane_choice is not LaneChoice.AUTO:
        return _undominated(found)
    layer = network.layers[index]
    count = len(layer.connections)
    layouts: list[tuple[bool, ...] | None] = [None]
    chosen = connection_row_words(network, index, LayerFolding(1, 1))
    spikes = tuple(connection.source != IMAGE for connection in layer.connections)
    if not any(connection.sum_pool for connection in layer.connections):
        layouts += {tuple(spikes), (False,) * count} - {chosen}
    for neurons in layer_neurons(network, index):
        for rows in layouts:
            last = np.inf
            for lanes in lane_choices(network, index, neurons, rows):
                fold = LayerFolding(neurons, lanes, rows, style=family.style)
                fold = with_large_rows(network, index, fold, large)
                design = layer_design(network, index, fold)
                stages = layer_stages(design, events)
                cycles = image_cycles(stages)
                if cycles > last * WORTHWHILE:
                    continue
                last = cycles
                fold = replace(fold, firing=fewest_firing(design, stages))
                found += _styles(layer_design(network, index, fold), cycles, family)
    return _undominated(found)


def _graph_options(
    network: Network, index: int, events: Sequence[WindowEvents], family: Family
) -> list[Option]:
    """The folding with a graph lane; none where the layer cannot have one, or has many weights."""
    layer = network.layers[index]
    if graph_obstacle(network, index) is not None:
        return []
    (connection,) = layer.connections
    if np.count_nonzero(connection.weight) * connection.weight_bits > MOST_GRAPH_WEIGHT_BITS:
        return []
    fold = LayerFolding(layer.out_channels, 1, style=family.style, lane_kind=LaneKind.GRAPH)
    design = layer_design(network, index, fold)
    stages = layer_stages(design, events)
    fold = replace(fold, firing=fewest_firing(design, stages))
    design = layer_design(network, index, fold)
    cycles = image_cycles(layer_stages(design, events))
    return [Option(fold, cycles, total_area(layer_items(design, buffers=False), family))]


def _serial_options(
    network: Network, index: int, events: Sequence[WindowEvents], family: Family
) -> list[Option]:
    """The serial foldings: the fewest adders for each number of groups."""
    if serial_obstacle(network, index) is not None:
        return []
    channels = network.layers[index].out_channels
    source = network.layers[index].connections[0].source
    # The source's P is not known yet, on which words without events depend.
    width = PIXEL_BITS * network.input_shape[0]
    if source != IMAGE:
        width = min(LIKELY_WORD, network.layers[source].out_channels)
    options = []
    for neurons in sorted({ceil_div(channels, groups) for groups in range(1, channels + 1)}):
        if neurons > MOST_SERIAL_ADDERS:
            break
        fold = LayerFolding(neurons, 1, style=family.style, lane_kind=LaneKind.SERIAL)
        design = layer_design(network, index, fold, [width])
        stages = layer_stages(design, events)
        fold = replace(fold, firing=fewest_firing(design, stages))
        design = layer_design(network, index, fold, [width])
        area = total_area(layer_items(design, buffers=False), family)
        options.append(Option(fold, image_cycles(stages), area))
    return options


def _styles(design: LayerDesign, cycles: float, family: Family) -> list[Option]:
    """The folding with weights in block RAM, and in logic."""
    result = []
    items = layer_items(design, buffers=False)
    for style in WeightMemory:
        area = total_area((_restyled(item, style) for item in items), family)
        if result:
            blocks = result[0].area
            saved = (blocks.block_rams - area.block_rams) * MOST_LUTS_OF_A_BLOCK
            if area.luts > blocks.luts + saved:
                break
        result.append(Option(replace(design.fold, weight_memory=style), cycles, area))
    return result


def _restyled(item: Item, style: WeightMemory) -> Item:
    """``item`` with its weights in ``style``."""
    memories = tuple(
        replace(shape, style=style.value) if shape.written is None else shape
        for shape in item.memories
    )
    return replace(item, memories=memories)


def _undominated(options: list[Option]) -> list[Option]:
    """Options than which no other of the same P and layout is better in every way."""
    kept: dict[tuple, list[Option]] = {}
    for option in sorted(options, key=lambda o: (o.cycles, o.area.luts, o.area.block_rams)):
        fold = option.fold
        others = kept.setdefault((fold.neurons, fold.row_words, fold.lane_kind), [])
        if not any(
            other.area.luts <= option.area.luts and other.area.block_rams <= option.area.block_rams
            for other in others
        ):
            others.append(option)
    return [option for others in kept.values() for option in others]
