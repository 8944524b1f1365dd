"""Complete sums that wait for those of the other lanes."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..design import EngineDesign
from ..layouts import sums_layout


class SumLine(wiring.Component):
    """P sums of each of the units that wait, in registers that they move along.

    ::

        complete -> place 0 -> place 1 -> ... -> sums

    Lanes have different numbers of events in a unit, and all of them give it up together. A lane
    that has places to go on into waits for the others less often. A place takes what the one before
    it has where it is empty, so registers are all that it costs. A unit may enter in every second
    cycle, and in every one where there is a single place. There are ``sums_ahead`` places.

    Members:
        valid, complete: in; P sums that are complete; only where there is ``room``.
        room: out.
        sums: out, stream; P sums.
        coming: out; ``sums`` is valid in the next cycle. Who is far away keeps a register of it.
    """

    valid: Signal
    room: Signal
    sums: stream.Interface
    coming: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        layout = sums_layout(design)
        super().__init__(
            {
                "valid": In(1),
                "complete": In(layout),
                "room": Out(1),
                "sums": Out(stream.Signature(layout)),
                "coming": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        layout = sums_layout(self.design)
        places = self.design.sums_ahead
        last = places - 1
        full = Signal(places)
        held = [Signal(layout, name=f"place_{number}", reset_less=True) for number in range(places)]
        # Whether a place takes what the one before it has; the last one does while it is read.
        free = Signal(places)
        m.d.comb += [
            free.eq(~full),
            # Of several places two flags say it, which hang on nothing that is far away.
            self.room.eq(~full[:2].all() if last else free[0]),
            self.sums.valid.eq(full[last]),
            self.sums.payload.eq(held[last]),
            self.coming.eq((full[last] & ~free[last]) | (full[last - 1] if last else self.valid)),
        ]
        with m.If(self.sums.ready):
            m.d.comb += free[last].eq(1)
        with m.If(self.valid):
            m.d.sync += held[0].eq(self.complete)
        for number in range(1, places):
            with m.If(free[number]):
                m.d.sync += held[number].eq(held[number - 1])
        # A place is full of what comes in, or of what cannot go on.
        for number in range(last):
            comes = full[number - 1] & free[number] if number else self.valid
            m.d.sync += full[number].eq(comes | (full[number] & ~free[number + 1]))
        m.d.sync += full[last].eq(self.coming)
        return m
