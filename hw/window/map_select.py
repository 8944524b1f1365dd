"""Passes the words of a map that a connection sees and drops the others."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape
from ..basics.table import lookup
from ..design.map_part import MapPart


class MapSelect(wiring.Component):
    """Keeps the rows, columns and groups of ``part``.

    Args:
        part: see ``MapPart``.
        rows, columns, groups: of the incoming map.
        word_width: bits of a word.
        steps: largest T; 1 for pixels.

    Members:
        words: in, stream; per pixel in raster order, per group, a word per step.
        steps: in; T of the images under way (not read where the largest is 1).
    """

    words: stream.Interface
    steps: Signal
    kept: stream.Interface

    def __init__(
        self, part: MapPart, *, rows: int, columns: int, groups: int, word_width: int, steps: int
    ):
        for name, value in (("rows", rows), ("columns", columns), ("groups", groups)):
            check_range("MapSelect", name, value, getattr(part, name)[-1] + 1, None)
        check_range("MapSelect", "steps (T)", steps, 1, None)
        self.part = part
        self.extents = (groups, columns, rows)
        self.largest_steps = steps
        super().__init__(
            {
                "words": In(stream.Signature(word_width)),
                "steps": In(count_shape(steps)),
                "kept": Out(stream.Signature(word_width)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        transfer = Signal()
        ends = Signal()
        step = Signal(index_shape(self.largest_steps))
        m.d.comb += [
            transfer.eq(self.words.valid & self.words.ready),
            ends.eq(1 if self.largest_steps == 1 else step == self.steps - 1),
        ]
        with m.If(transfer):
            m.d.sync += step.eq(Mux(ends, 0, step + 1))
        keep = []
        # Innermost first: the next counter moves on when those before it end.
        for name, extent in zip(("groups", "columns", "rows"), self.extents, strict=True):
            index = Signal(index_shape(extent), name=f"{name}_index")
            last = Signal(name=f"{name}_last")
            m.d.comb += last.eq(index == extent - 1)
            with m.If(transfer & ends):
                m.d.sync += index.eq(Mux(last, 0, index + 1))
            ends = ends & last
            kept = getattr(self.part, name)
            keep.append(lookup(m, index, [int(i in kept) for i in range(extent)], name=name))
        selected = Signal()
        m.d.comb += [
            selected.eq(keep[0] & keep[1] & keep[2]),
            self.kept.payload.eq(self.words.payload),
            self.kept.valid.eq(self.words.valid & selected),
            self.words.ready.eq(self.kept.ready | ~selected),
        ]
        return m
