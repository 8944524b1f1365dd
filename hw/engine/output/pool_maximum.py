"""The maximum over pooling windows that are under way."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.payload_register import payload_register
from ..design import EngineDesign
from ..program import pass_record
from ..record_layouts import record_layout
from .placed import PlacedLayout, PooledLayout


class PoolMaximum(wiring.Component):
    """Keeps the maximum of each window's numbers, and gives it with the window's last ones.

    As numbers grow with currents, the maximum of numbers is the number of the maximum. A position a
    cycle.

    Members:
        header: in; the pass.
        pooled: in, stream of ``PooledLayout``.
        placed: out, stream of ``PlacedLayout``.
    """

    pooled: stream.Interface
    placed: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "pooled": In(stream.Signature(PooledLayout(design))),
                "placed": Out(stream.Signature(PlacedLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, header = self.design, self.header
        kept_layout = data.ArrayLayout(unsigned(design.steps), design.firing)
        m.submodules.kept = kept = memory.Memory(
            shape=unsigned(kept_layout.size), depth=design.pool_words, init=[]
        )
        write, read = kept.write_port(), kept.read_port()
        now = Signal(PooledLayout(design), reset_less=True)
        valid = Signal()
        moves = Signal()
        # What was written as the word was read.
        passed_on = Signal()
        last_written = Signal(kept_layout, reset_less=True)
        maxima = Signal(kept_layout)
        before = Signal(kept_layout)
        sign = Signal(design.steps)
        given = payload_register(m, self.placed.payload, "given")
        m.d.comb += [
            moves.eq(~self.placed.valid | self.placed.ready),
            self.pooled.ready.eq(moves),
            read.addr.eq(self.pooled.payload.at),
            read.en.eq(moves),
            write.addr.eq(now.at),
            write.data.eq(maxima),
            write.en.eq(valid & moves & now.counts & ~now.last),
            before.eq(Mux(passed_on, last_written, read.data)),
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
        with m.If(moves):
            m.d.sync += [
                valid.eq(self.pooled.valid),
                now.eq(self.pooled.payload),
                passed_on.eq(write.en & (self.pooled.payload.at == now.at)),
                last_written.eq(maxima),
                self.placed.valid.eq(valid & ((now.counts & now.last) | now.pass_ends)),
                given.address.eq(now.address),
                given.write.eq(now.counts & now.last),
                given.pass_ends.eq(now.pass_ends),
            ]
            for number in range(design.firing):
                m.d.sync += given["values"][number].eq(
                    Mux(now.first, now["values"][number], maxima[number])
                )
        return m
