"""What a network's layers and buffers take on one family of devices."""

from __future__ import annotations

from functools import cached_property

from ...golden.network.network import Network
from ..design.buffering import Rows, default_spare_rows
from ..design.folding import Folding, LaneKind, LayerFolding
from ..design.layer_design import LayerDesign, layer_design, word_widths
from ..memories.devices import Family
from .area import buffer_item, frame_area, item_area, layer_items, total_area
from .graph_area import graph_windows_item
from .items import Area
from .large_memories import Buffers, large_buffers, with_large_rows


class PricedNetwork:
    """Areas of one network's layers and buffers, each worked out once.

    Args:
        large_rams: RAMs of one port that the device has beside its block RAMs.
    """

    def __init__(self, network: Network, family: Family, large_rams: int):
        self.network = network
        self.family = family
        self.large_rams = large_rams
        self._buffers: dict[tuple[int, int, bool, int, int, LaneKind], Area] = {}

    @cached_property
    def spare_rows(self) -> Rows:
        """Of the buffers, as the accelerator has them."""
        return default_spare_rows(self.network)

    @cached_property
    def large(self) -> Buffers:
        """Buffers that lie in large RAMs where they are of row words."""
        if not self.large_rams:
            return frozenset()
        return large_buffers(self.network, self.spare_rows, self.family, self.large_rams)

    def rows_of(self, index: int, fold: LayerFolding) -> tuple[int, ...]:
        """Spare rows of the buffers of layer ``index``."""
        return fold.rows_beside(self.spare_rows[index])

    def total_area(self, folding: Folding) -> Area:
        """Of the whole accelerator."""
        area = frame_area(self.network, folding, self.family)
        for index in range(len(folding)):
            area += self.layer_area(index, folding)
        return area

    def design(self, index: int, folding: Folding) -> LayerDesign:
        """Layer ``index``, its buffers as wide and as deep as ``folding`` makes them."""
        widths = word_widths(self.network, index, folding)
        rows = self.rows_of(index, folding[index])
        return layer_design(self.network, index, folding[index], widths, rows)

    def layer_area(self, index: int, folding: Folding) -> Area:
        """Of layer ``index``, its buffers included."""
        return total_area(layer_items(self.design(index, folding)), self.family)

    def buffer_area(
        self,
        index: int,
        number: int,
        row_words: bool,
        width: int,
        spare_rows: int,
        kind: LaneKind = LaneKind.EVENTS,
    ) -> Area:
        """Area of one window buffer."""
        key = (index, number, row_words, width, spare_rows, kind)
        if key not in self._buffers:
            count = len(self.network.layers[index].connections)
            fold = LayerFolding(1, (1,) * count, (row_words,) * count, style=self.family.style)
            if kind is LaneKind.GRAPH:
                fold = LayerFolding(
                    self.network.layers[index].out_channels,
                    1,
                    style=self.family.style,
                    lane_kind=kind,
                )
            fold = with_large_rows(self.network, index, fold, self.large)
            design = layer_design(self.network, index, fold, [width] * count, [spare_rows] * count)
            item = (
                graph_windows_item(design)
                if design.graph
                else buffer_item(design.connections[number])
            )
            self._buffers[key] = item_area(item, self.family)
        return self._buffers[key]
