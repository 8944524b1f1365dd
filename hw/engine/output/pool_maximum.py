"""The maximum over pooling windows that are under way."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.room_queue import RoomQueue
from ...memories.memory_shape import NO_COLLISIONS
from ..design import EngineDesign
from ..program import pass_record
from ..record_layouts import record_layout
from .placed import PlacedLayout, PooledLayout

#: Places of what waits for the writer.
PLACES = 16
#: Numbers that still come once places are counted to be too few: registers of ``room``, of
#: ``PoolWindows``, and here.
ON_THE_WAY = 6


class PoolMaximum(wiring.Component):
    """Keeps the maximum of each window's numbers, and gives it with the window's last ones.

    As numbers grow with currents, the maximum of numbers is the number of the maximum. A position a
    cycle.

    Members:
        header: in; the pass.
        valid, pooled: in; ``PooledLayout``.
        room: out; for ``ON_THE_WAY`` more of them, out of a register.
        placed: out, stream of ``PlacedLayout``.
    """

    valid: Signal
    room: Signal
    placed: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "valid": In(1),
                "pooled": In(PooledLayout(design)),
                "room": Out(1),
                "placed": Out(stream.Signature(PlacedLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, header = self.design, self.header
        kept_layout = data.ArrayLayout(unsigned(design.steps), design.firing)
        m.submodules.kept = kept = memory.Memory(
            shape=unsigned(kept_layout.size),
            depth=design.pool_words,
            init=[],
            attrs=NO_COLLISIONS,
        )
        write, read = kept.write_port(), kept.read_port()
        # An element asks for what its window has so far, has the answer, and is compared with it.
        asking = self.pooled
        answered = Signal(PooledLayout(design), reset_less=True)
        now = Signal(PooledLayout(design), reset_less=True)
        answered_valid, valid = Signal(), Signal()
        # Whether the element a cycle ahead, or the one before that, is of the same window: what
        # they write is not in the answer yet.
        ahead, before_that = Signal(), Signal()
        last_written = Signal(kept_layout, reset_less=True)
        maxima = Signal(kept_layout)
        before = Signal(kept_layout, reset_less=True)
        sign = Signal(design.steps)
        given = Signal(PlacedLayout(design), reset_less=True)
        given_valid = Signal()
        m.submodules.waiting = waiting = RoomQueue(
            PlacedLayout(design), PLACES, on_the_way=ON_THE_WAY
        )
        wiring.connect(m, waiting.output, wiring.flipped(self.placed))
        m.d.comb += [
            waiting.valid.eq(given_valid),
            waiting.payload.eq(given),
            self.room.eq(waiting.room),
            read.addr.eq(asking.at),
            read.en.eq(1),
            write.addr.eq(now.at),
            write.data.eq(maxima),
            write.en.eq(valid & now.counts & ~now.last),
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
        m.d.sync += [
            answered_valid.eq(self.valid),
            answered.eq(asking),
            ahead.eq(answered_valid & answered.counts & (asking.at == answered.at)),
            before_that.eq(valid & now.counts & (asking.at == now.at)),
            valid.eq(answered_valid),
            now.eq(answered),
            before.eq(Mux(ahead, maxima, Mux(before_that, last_written, read.data))),
            last_written.eq(maxima),
            given_valid.eq(valid & ((now.counts & now.last) | now.pass_ends)),
            given.address.eq(now.address),
            given.write.eq(now.counts & now.last),
            given.pass_ends.eq(now.pass_ends),
        ]
        for number in range(design.firing):
            m.d.sync += given["values"][number].eq(
                Mux(now.first, now["values"][number], maxima[number])
            )
        return m
