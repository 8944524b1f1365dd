"""In front of a lane's filter: which slabs hold events."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.payload_register import payload_register
from ..design.payloads import LaneSlabLayout
from ..design.style import FAST, Style


class NotedSlabLayout(data.StructLayout):
    """A slab as it came, and ``filled``: it holds an event."""

    def __init__(self, slab: LaneSlabLayout):
        super().__init__({"slab": slab, "filled": 1})


class SlabStage(wiring.Component):
    """A register in which slabs wait while it is found whether they hold events.

    That takes a tree over all of their bits, and enables the registers of a whole word behind it.
    Where ``style`` has no ``path_registers``, they do not wait.

    Members:
        slabs: in, stream of ``LaneSlabLayout``.
        noted: out, stream of ``NotedSlabLayout``.
    """

    slabs: stream.Interface
    noted: stream.Interface

    def __init__(self, slab: LaneSlabLayout, *, style: Style = FAST):
        self.style = style
        super().__init__(
            {
                "slabs": In(stream.Signature(slab)),
                "noted": Out(stream.Signature(NotedSlabLayout(slab))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        slab, noted = self.slabs, self.noted
        filled = slab.payload.bits.as_value().any()
        if not self.style.path_registers:
            m.d.comb += [
                noted.payload.slab.eq(slab.payload),
                noted.payload.filled.eq(filled),
                noted.valid.eq(slab.valid),
                slab.ready.eq(noted.ready),
            ]
            return m
        held = payload_register(m, noted.payload, "held")
        m.d.comb += slab.ready.eq(~noted.valid | noted.ready)
        with m.If(slab.ready):
            m.d.sync += [
                held.slab.eq(slab.payload),
                held.filled.eq(filled),
                noted.valid.eq(slab.valid),
            ]
        return m
