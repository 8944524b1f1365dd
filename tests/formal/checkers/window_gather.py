"""WindowGather: the columns of each unit, where they belong; those left out are zero."""

from amaranth import Module, Signal, Value
from amaranth.hdl import Assume

from rheobase.hw.basics.shapes import index_shape
from rheobase.hw.window.window_gather import WindowGather
from rheobase.sim.prove import Checker


class WindowGatherChecker(Checker):
    component: WindowGather

    def state(self, m: Module) -> None:
        gather = self.component
        rows, columns = gather.geometry.kernel
        self.assume_stream(m, gather.columns, "columns")
        self.check_stream(m, gather.windows, "windows")
        column = gather.columns.payload
        window = gather.windows.payload
        comes = Signal()
        goes = Signal()
        m.d.comb += [
            comes.eq(gather.columns.valid & gather.columns.ready),
            goes.eq(gather.windows.valid & gather.windows.ready),
            Assume(column.slab < columns),
        ]

        # One kernel row and column, whichever, is followed.
        row = self.constant(index_shape(rows), "row")
        place = self.constant(index_shape(columns), "place")
        m.d.comb += Assume((row < rows) & (place < columns))
        bits = len(Value.cast(column.bits[0][0]))
        collected = Signal(bits)
        now = Signal(bits)
        complete = Signal(bits)
        unit = Signal(len(Value.cast(column.unit)))
        waiting = Signal()
        m.d.comb += now.eq(collected)
        with m.If(column.slab == place):
            m.d.comb += now.eq(Value.cast(column.bits).word_select(row, bits))
        with m.If(goes):
            m.d.sync += waiting.eq(0)
        with m.If(comes):
            m.d.sync += collected.eq(now)
            with m.If(column.last):
                m.d.sync += [
                    collected.eq(0),
                    complete.eq(now),
                    unit.eq(column.unit),
                    waiting.eq(1),
                ]
        at = Signal(index_shape(rows * columns))
        m.d.comb += at.eq(row * columns + place)
        self.check(m, "gives_what_it_has", gather.windows.valid == waiting)
        takes = ~waiting if not gather.style.spare_registers else ~column.last | ~waiting | goes
        self.check(m, "takes_what_fits", gather.columns.ready == takes)
        self.check(
            m,
            "in_its_place",
            ~waiting | (Value.cast(window.bits).word_select(at, bits) == complete),
        )
        self.check(m, "unit", ~waiting | (Value.cast(window.unit) == unit))
        self.check(m, "last", ~waiting | window.last)
        self.check(m, "whole", (window.slab == 0) & ~window.new_plane)
        if not gather.style.spare_registers:
            # The output itself, while it is not valid.
            held = Value.cast(window.bits).word_select(at, bits)
            self.check(m, "gathered", waiting | (held == collected))
            self.check(m, "begins_blank", ~waiting | (collected == 0))
        else:
            gathered = self.peek("gathered", rows * columns * bits)
            self.check(m, "gathered", gathered.word_select(at, bits) == collected)
