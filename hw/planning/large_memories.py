"""Which row buffers lie in large single-port RAMs: the four SPRAMs of an iCE40 UltraPlus."""

from __future__ import annotations

from dataclasses import replace

from ...golden.network.network import IMAGE, Network
from ..design.buffering import Rows
from ..design.folding import LayerFolding, connection_row_words
from ..design.geometry import window_geometry
from ..design.synapses import is_streamed
from ..memories.devices import Family
from ..memories.memory_mapping import mapped_memory
from ..memories.memory_shape import LARGE_RAM_WRITE, row_memory

#: (layer, connection) of buffers.
Buffers = frozenset[tuple[int, int]]


def large_buffers(network: Network, spare_rows: Rows, family: Family, count: int) -> Buffers:
    """Buffers of row words that lie in ``count`` large RAMs: those that save most block RAMs.

    Args:
        spare_rows: of each connection.
    """
    worth = []
    for index, layer in enumerate(network.layers):
        if is_streamed(network, index, layer.out_channels):
            continue
        for number, connection in enumerate(layer.connections):
            if connection.source == IMAGE:
                continue
            geometry = window_geometry(
                network, index, number, LARGE_RAM_WRITE, spare_rows[index][number], row_words=True
            )
            blocks, large = (
                mapped_memory(row_memory(geometry, LARGE_RAM_WRITE, large=style), family)
                for style in (False, True)
            )
            if not large.large_rams:  # a pixel does not fill what is written at a time
                continue
            worth.append((blocks.block_rams / large.large_rams, large.large_rams, index, number))
    chosen = set()
    for saved, large, index, number in sorted(worth, key=lambda buffer: (-buffer[0], buffer[1:])):
        if saved > 0 and large <= count:
            chosen.add((index, number))
            count -= large
    return frozenset(chosen)


def with_large_rows(
    network: Network, index: int, fold: LayerFolding, large: Buffers
) -> LayerFolding:
    """``fold`` of layer ``index`` with those of its buffers in large RAMs that are in ``large``."""
    rows = connection_row_words(network, index, fold)
    chosen = tuple(by_row and (index, number) in large for number, by_row in enumerate(rows))
    return replace(fold, large_rows=chosen if any(chosen) else None)
