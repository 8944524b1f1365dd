"""What a plan may take, and what the model predicts of one."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.basics.html_table import html_table
from ..design.folding import Folding, LaneKind, LayerFolding
from .items import Area

#: What a block RAM is worth in look-up tables where no device says which is scarce: the LFE5U-85F
#: has so many for each.
LUTS_OF_A_BLOCK = 400


@dataclass(frozen=True)
class Budget:
    """What a plan may take; None for as much as it likes."""

    luts: float | None = None
    block_rams: int | None = None

    def holds(self, area: Area) -> bool:
        """Whether ``area`` fits."""
        return (self.luts is None or area.luts <= self.luts) and (
            self.block_rams is None or area.block_rams <= self.block_rams
        )

    def cost(self, area: Area) -> float:
        """Share of the budget that ``area`` takes, both kinds added up."""
        luts, blocks = self.luts, self.block_rams
        if luts is None:
            luts = LUTS_OF_A_BLOCK * (blocks or 1)
        if blocks is None:
            blocks = luts / LUTS_OF_A_BLOCK
        return area.luts / max(luts, 1) + area.block_rams / max(blocks, 1)


@dataclass(frozen=True)
class LayerPlan:
    """What the model predicts of one layer.

    Attributes:
        cycles: per image, where nothing holds it up.
        limit: the stage that takes most of them.
    """

    fold: LayerFolding
    cycles: float
    limit: str
    area: Area


@dataclass(frozen=True)
class Plan:
    """A folding and what the model predicts of it.

    Attributes:
        frame: what is around the layers.
        cycles: per image of the whole pipeline in a stream.
    """

    layers: tuple[LayerPlan, ...]
    frame: Area
    cycles: float

    @property
    def folding(self) -> Folding:
        return tuple(layer.fold for layer in self.layers)

    def _repr_html_(self) -> str:
        rows = [
            [
                number,
                layer.fold.neurons,
                layer.fold.lanes
                if layer.fold.lane_kind is LaneKind.EVENTS
                else layer.fold.lane_kind.value,
                f"{layer.cycles:,.0f}",
                layer.limit,
                f"{layer.area.luts:,.0f}",
                layer.area.block_rams,
            ]
            for number, layer in enumerate(self.layers)
        ]
        area = self.area
        caption = (
            f"{self.cycles:,.0f} cycles an image, {area.luts:,.0f} LUT4, {area.block_rams} block "
            "RAMs, predicted"
        )
        columns = ("layer", "P", "E", "cycles", "bound by", "LUT4", "block RAMs")
        return html_table(caption, columns, rows)

    @property
    def area(self) -> Area:
        """Of the whole accelerator."""
        return sum((layer.area for layer in self.layers), self.frame)
