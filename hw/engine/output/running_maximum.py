"""The maximum so far of windows that are under way."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, unsigned
from amaranth.hdl import ShapeLike
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import EngineDesign
from ..neurons.neuron_line import numbers_layout
from ..program import pass_record
from ..record_layouts import record_layout

#: Words up to which no block RAM is taken: an engine for the smallest devices has taken them all.
DISTRIBUTED_WORDS = 64


class ElementLayout(data.StructLayout):
    """F numbers (or currents) in one of the windows that they are in.

    Args:
        depth: windows' maxima that are kept, F numbers each.
        along: shape of what goes with them.

    Members:
        values: see ``numbers_layout``.
        at: where the window's maximum so far is kept.
        counts: there is a window at all, and its channels are written.
        first, last: of the window's elements.
        along: what goes with them.
    """

    def __init__(self, design: EngineDesign, depth: int, along: ShapeLike):
        super().__init__(
            {
                "values": numbers_layout(design),
                "at": index_shape(depth),
                "counts": 1,
                "first": 1,
                "last": 1,
                "along": along,
            }
        )


class RunningMaximum(wiring.Component):
    """Compares each element with what its window has so far. An element a cycle.

    As numbers grow with currents, the maximum of numbers is the number of the maximum.

    ::

        element -> answered -> now -> found
              |       ^         |
              +-> [kept] <------+ but of a window's last elements

    Args:
        layout: an ``ElementLayout``.
        depth: see there.

    Members:
        header: in; the pass.
        moves: in; all elements go a register on.
        valid, element: in.
        found_valid, found: out; the element with the maximum so far as its values, three registers
            behind.
    """

    moves: Signal
    valid: Signal
    found_valid: Signal

    def __init__(self, design: EngineDesign, layout: ElementLayout, depth: int):
        self.design = design
        self.depth = depth
        self.layout = layout
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "moves": In(1),
                "valid": In(1),
                "element": In(layout),
                "found_valid": Out(1),
                "found": Out(layout),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, header = self.design, self.header
        kept_layout = data.ArrayLayout(unsigned(design.steps), design.firing)
        style = {"ram_style": "distributed"} if self.depth <= DISTRIBUTED_WORDS else {}
        m.submodules.kept = kept = memory.Memory(
            shape=unsigned(kept_layout.size),
            depth=self.depth,
            init=[],
            attrs=NO_COLLISIONS | style,
        )
        write, read = kept.write_port(), kept.read_port()
        # An element asks for what its window has so far, has the answer, and is compared with it.
        asking = self.element
        answered = Signal(self.layout, reset_less=True)
        now = Signal(self.layout, reset_less=True)
        answered_valid, valid = Signal(), Signal()
        # Whether the element a cycle ahead, or the one before that, is of the same window: what
        # they write is not in the answer yet.
        ahead, before_that = Signal(), Signal()
        last_written = Signal(kept_layout, reset_less=True)
        maxima = Signal(kept_layout)
        before = Signal(kept_layout, reset_less=True)
        sign = Signal(design.steps)
        given = Signal(self.layout, reset_less=True)
        m.d.comb += [
            read.addr.eq(asking.at),
            read.en.eq(self.moves),
            write.addr.eq(now.at),
            write.data.eq(maxima),
            # Again and again where it waits: it is the same each time.
            write.en.eq(valid & now.counts & ~now.last),
            self.found.eq(given),
            # Numbers in two's complement compare like others once their signs are turned.
            sign.eq(Mux(header.fires_signed, (1 << header.steps) >> 1, 0)),
        ]
        for number in range(design.firing):
            arriving = now["values"][number][: design.steps]
            larger = Signal(name=f"larger_{number}")
            m.d.comb += [
                larger.eq((arriving ^ sign) > (before[number] ^ sign)),
                maxima[number].eq(Mux(now.first | larger, arriving, before[number])),
            ]
        with m.If(self.moves):
            m.d.sync += [
                answered_valid.eq(self.valid),
                answered.eq(asking),
                ahead.eq(answered_valid & answered.counts & (asking.at == answered.at)),
                before_that.eq(valid & now.counts & (asking.at == now.at)),
                valid.eq(answered_valid),
                now.eq(answered),
                before.eq(Mux(ahead, maxima, Mux(before_that, last_written, read.data))),
                last_written.eq(maxima),
                self.found_valid.eq(valid),
                given.eq(now),
            ]
            for number in range(design.firing):
                m.d.sync += given["values"][number].eq(
                    Mux(now.first, now["values"][number], maxima[number])
                )
        return m
