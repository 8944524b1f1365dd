"""What a layer's sliding windows, adder graph and pool are counted in."""

from __future__ import annotations

from ...golden.basics.arithmetic import ceil_div
from ..basics.widths import memory_depth
from ..design.layer_design import LayerDesign
from ..memories.memory_shape import row_memory
from .items import Item, Kind, scratch


def graph_items(design: LayerDesign, *, buffers: bool) -> list[Item]:
    """The components in front of a graph layer's neurons, with or without its window buffer."""
    items = [graph_lane_item(design), graph_pool_item(design)]
    return [graph_windows_item(design), *items] if buffers else items


def graph_windows_item(design: LayerDesign) -> Item:
    """Row writer, ring, columns that wait, and what takes a position's rows."""
    (connection,) = design.connections
    geometry, sliding = connection.geometry, connection.sliding
    before = (memory_depth(geometry.steps), sliding.before_bits)
    waits = geometry.steps > 1 and sliding.before_bits > 0
    luts, memories, small = scratch(design.style, before if waits else None)
    return Item(
        Kind.GRAPH_WINDOWS,
        (
            1.0,
            sliding.column_bits * (geometry.slots - 1),
            sliding.window_bits * (geometry.pool_kernel[0] - 1),
            luts,
            geometry.slots * ceil_div(sliding.pixel_bits, connection.word_width),
        ),
        (row_memory(geometry, connection.word_width), *memories),
        distributed=small,
    )


def graph_lane_item(design: LayerDesign) -> Item:
    """The adders of the graph, the registers between them, and those that add up planes."""
    (connection,) = design.connections
    graph = connection.adder_graph
    sums = design.neurons * design.current.bits
    return Item(Kind.GRAPH_LANE, (1.0, sum(graph.adder_widths), sums, graph.waiting_bits))


def graph_pool_item(design: LayerDesign) -> Item:
    """The pool that takes position by position."""
    pooled = design.neurons * design.current.bits
    steps = 1 if design.whole_trains else design.network.steps
    kept = (memory_depth(steps), pooled) if steps > 1 and design.positions > 1 else None
    luts, memories, small = scratch(design.style, kept)
    features = (1.0, pooled * (design.positions > 1), luts)
    return Item(Kind.GRAPH_POOL, features, memories, distributed=small)
