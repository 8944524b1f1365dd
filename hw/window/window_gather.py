"""Columns of a pixel window into one slab that holds the whole window."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..design.geometry import WindowGeometry
from ..design.payloads import SlabLayout
from ..design.style import FAST, Style


class WindowGather(wiring.Component):
    """Joins the column slabs of each unit; columns that were left out are zero.

    Pixels are accumulated most significant plane first over the whole window, so the lanes need
    all of its columns at once. The next window is gathered while one waits at the output;
    where ``style`` has no ``spare_registers``, once it has left.

    Members:
        columns: in, stream of ``SlabLayout``; kernel columns of a window, one after another.
        windows: out, stream of ``SlabLayout``; whole windows.
    """

    columns: stream.Interface
    windows: stream.Interface

    def __init__(self, geometry: WindowGeometry, groups: int, *, style: Style = FAST):
        self.geometry = geometry
        self.style = style
        self.column_layout = SlabLayout(geometry, 1, groups)
        self.window_layout = SlabLayout(geometry, geometry.kernel[1], groups)
        super().__init__(
            {
                "columns": In(stream.Signature(self.column_layout)),
                "windows": Out(stream.Signature(self.window_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if self.style.spare_registers:
            self._two_windows(m)
        else:
            self._one_window(m)
        return m

    def _one_window(self, m: Module) -> None:
        """Each column goes to its place in the output, which is cleared when it is taken."""
        column, window = self.columns.payload, self.windows.payload
        m.d.comb += self.columns.ready.eq(~self.windows.valid)
        with m.If(self.columns.valid & self.columns.ready):
            for index in range(self.geometry.kernel[1]):
                with m.If(column.slab == index):
                    m.d.sync += [
                        to[index].eq(bits[0])
                        for to, bits in zip(window.bits, column.bits, strict=True)
                    ]
            m.d.sync += [
                self.windows.valid.eq(column.last),
                window.last.eq(1),
                window.unit.eq(column.unit),
            ]
        with m.If(self.windows.valid & self.windows.ready):
            m.d.sync += [self.windows.valid.eq(0), window.bits.eq(0)]

    def _two_windows(self, m: Module) -> None:
        kernel_rows, kernel_columns = self.geometry.kernel
        column = self.columns.payload
        gathered = Signal(self.window_layout.members["bits"])
        window = Signal(self.window_layout, reset_less=True)
        valid = Signal()
        blocked = Signal()
        joined = Signal.like(gathered)
        for row in range(kernel_rows):
            for index in range(kernel_columns):
                m.d.comb += (
                    joined[row][index]
                    .as_value()
                    .eq(
                        Mux(
                            column.slab == index,
                            column.bits[row][0].as_value(),
                            gathered[row][index].as_value(),
                        )
                    )
                )
        m.d.comb += [
            blocked.eq(valid & ~self.windows.ready),
            self.columns.ready.eq(~(column.last & blocked)),
            self.windows.payload.eq(window),
            self.windows.valid.eq(valid),
        ]
        with m.If(self.windows.ready):
            m.d.sync += valid.eq(0)
        with m.If(self.columns.valid & self.columns.ready):
            m.d.sync += gathered.eq(joined)
            with m.If(column.last):
                m.d.sync += [
                    gathered.eq(0),
                    valid.eq(1),
                    window.bits.eq(joined),
                    window.last.eq(1),
                    window.unit.eq(column.unit),
                ]
