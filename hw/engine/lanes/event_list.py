"""The events of a lane's strips, given out once for each group of channels."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ...basics.shapes import count_shape, index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import EngineDesign
from ..layouts import EventLayout

#: Ends of strips that are known ahead.
STRIPS_AHEAD = 4


class EventList(wiring.Component):
    """A ring of events, of which each strip is read ``groups`` times.

    ::

        events -> ring -> events with the address of their group's weights
                   ^  |
                   ends of strips

    What was read for the last group makes room. The address of a weight is relative to ``base`` and
    grows by ``stride`` from group to group, modulo the words of the lane's memory.

    Members:
        events: in, stream of ``EventLayout``.
        groups, stride, base: in; of the pass.
        replayed: out, stream of ``EventLayout``; ``weight`` is an address in the lane's memory.
    """

    events: stream.Interface
    groups: Signal
    stride: Signal
    base: Signal
    replayed: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        address = index_shape(design.weight_words)
        super().__init__(
            {
                "events": In(stream.Signature(EventLayout(design))),
                "groups": In(count_shape(design.groups)),
                "stride": In(address),
                "base": In(address),
                "replayed": Out(stream.Signature(EventLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        depth = self.design.list_entries
        layout = EventLayout(self.design)
        m.submodules.ring = ring = memory.Memory(
            shape=layout, depth=depth, init=[], attrs=NO_COLLISIONS
        )
        write, read = ring.write_port(), ring.read_port()
        # Of a bit more than an address, so that full and empty differ.
        pointer = range(2 * depth)
        written, oldest, reading = Signal(pointer), Signal(pointer), Signal(pointer)
        m.submodules.ends = ends = Queue(data.StructLayout({"at": len(written)}), STRIPS_AHEAD)
        event = self.events.payload
        enters = Signal()
        fits = Signal()
        m.d.comb += [
            self.events.ready.eq(fits & ends.input.ready),
            enters.eq(self.events.valid & self.events.ready),
            write.addr.eq(written),
            write.data.eq(event),
            write.en.eq(enters),
            ends.input.payload.at.eq(written),
            ends.input.valid.eq(enters & event.ends_strip),
        ]
        # What is written becomes known together with the end of its strip.
        known = Signal(pointer)
        filled = Signal(pointer)
        m.d.comb += filled.eq(written - oldest)
        # A place is kept for what enters in the cycle before this is known.
        m.d.sync += [known.eq(written), fits.eq(filled < depth - 1)]
        with m.If(enters):
            m.d.sync += written.eq(written + 1)

        group = Signal(index_shape(self.design.groups))
        group_base = Signal.like(self.base)
        last_group = Signal()
        strip_ends = Signal()
        moves = Signal()
        issues = Signal()
        looked_up = Signal()
        looked_up_base = Signal.like(self.base, reset_less=True)
        m.d.comb += [
            last_group.eq(group == self.groups - 1),
            strip_ends.eq(ends.output.valid & (ends.output.payload.at == reading)),
            moves.eq(~self.replayed.valid | self.replayed.ready),
            issues.eq(moves & (reading != known)),
            read.addr.eq(reading),
            read.en.eq(moves),
            ends.output.ready.eq(issues & strip_ends & last_group),
        ]
        with m.If(moves):
            m.d.sync += [
                looked_up.eq(issues),
                looked_up_base.eq(self.base + group_base),
            ]
        with m.If(issues):
            m.d.sync += reading.eq(Mux(strip_ends & ~last_group, oldest, reading + 1))
            with m.If(last_group):
                m.d.sync += oldest.eq(reading + 1)
            with m.If(strip_ends):
                m.d.sync += [
                    group.eq(Mux(last_group, 0, group + 1)),
                    group_base.eq(Mux(last_group, 0, group_base + self.stride)),
                ]
        given = Signal(layout, name="given", reset_less=True)
        m.d.comb += self.replayed.payload.eq(given)
        with m.If(moves):
            m.d.sync += [
                self.replayed.valid.eq(looked_up),
                given.eq(read.data),
                given.weight.eq(read.data.weight + looked_up_base),
            ]
        return m
