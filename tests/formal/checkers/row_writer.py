"""RowWriter: each word at its pixel, group and step, and no row over one that is still read."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Assume

from rheobase.hw.basics.shapes import count_shape, index_shape
from rheobase.hw.window.row_writer import RowWriter
from rheobase.sim.prove import Checker


class RowWriterChecker(Checker):
    """Assumes T to stand still and rows to be given back only once they were written."""

    component: RowWriter

    def state(self, m: Module) -> None:
        writer = self.component
        geometry = writer.geometry
        width = geometry.channels * geometry.planes
        slots, columns, groups = geometry.slots, geometry.columns, writer.groups
        self.assume_stream(m, writer.words, "words")
        steps = Signal(range(geometry.steps + 1))
        if geometry.steps == 1:
            m.d.comb += steps.eq(1)
        else:
            before = Signal(range(geometry.steps + 1))
            begun = Signal()
            m.d.sync += [before.eq(writer.steps), begun.eq(1)]
            m.d.comb += [
                steps.eq(writer.steps),
                Assume((steps != 0) & (steps <= geometry.steps)),
                Assume(~begun | (before == steps)),
            ]

        comes = Signal()
        rows = Signal(range(slots + 2))
        row_done = Signal()
        m.d.comb += [
            comes.eq(writer.words.valid & writer.words.ready),
            Assume(writer.released <= rows),
        ]
        m.d.sync += rows.eq(rows + row_done - writer.released)
        self.check(m, "rows_bounded", rows <= slots)
        self.check(m, "takes_what_fits", writer.words.ready == (rows != slots))

        # Where the word belongs.
        step = Signal(range(geometry.steps))
        group = Signal(range(groups))
        column = Signal(range(columns))
        slot = Signal(range(slots))
        any_before = Signal()
        pixel_done = Signal()
        m.d.comb += [
            pixel_done.eq(comes & (step == steps - 1) & (group == groups - 1)),
            row_done.eq(pixel_done & (column == columns - 1)),
        ]
        with m.If(comes):
            m.d.sync += any_before.eq(~pixel_done & (any_before | writer.words.payload.any()))
            m.d.sync += step.eq(Mux(step == steps - 1, 0, step + 1))
            with m.If(step == steps - 1):
                m.d.sync += group.eq(Mux(group == groups - 1, 0, group + 1))
        with m.If(pixel_done):
            m.d.sync += column.eq(Mux(column == columns - 1, 0, column + 1))
        with m.If(row_done):
            m.d.sync += slot.eq(Mux(slot == slots - 1, 0, slot + 1))

        # Any one bit of the memory, whichever.
        bit = self.constant(range(slots * width), "bit")
        m.d.comb += Assume(bit < slots * width)
        first = Signal(range(slots * width))
        offset = Signal(range(slots * width))
        written = Signal()
        m.d.comb += [
            first.eq(slot * width + group * writer.word_width),
            offset.eq(bit - first),
            # The last group may be cut short by the end of the pixel.
            written.eq(
                comes
                & (bit >= first)
                & (bit < first + writer.word_width)
                & (bit < slot * width + width)
            ),
        ]
        enabled = Signal()
        enabled_pieces = writer.enabled_pieces()
        with m.Switch(bit):
            for index in range(slots * width):
                with m.Case(index):
                    m.d.comb += enabled.eq(enabled_pieces[index // writer.granularity])
        self.check(m, "writes_its_bits_alone", enabled == written)
        value = writer.write_data.bit_select(bit, 1)
        word_bit = writer.words.payload.bit_select(offset, 1)
        self.check(m, "unchanged", ~written | (value == word_bit))
        self.check(m, "address", ~comes | (writer.write_address == column * geometry.steps + step))
        flags = Mux(pixel_done, 1 << slot, 0)
        self.check(m, "one_flag_a_pixel", writer.occupancy_enable == flags)
        occupied = any_before | writer.words.payload.any()
        self.check(
            m,
            "flag",
            ~pixel_done
            | (
                (writer.occupancy_address == column)
                & (writer.occupancy_data.bit_select(slot, 1) == occupied)
            ),
        )
        self.check(m, "row_written", writer.row_written == row_done)
        for name, own, shape in (
            ("step", step, index_shape(geometry.steps)),
            ("group", group, index_shape(groups)),
            ("column", column, index_shape(columns)),
            ("slot", slot, index_shape(slots)),
            ("occupied_rows", rows, count_shape(slots)),
            ("pixel_occupied", any_before, 1),
            ("column_base", column * geometry.steps, index_shape(writer.depth)),
        ):
            self.check(m, name, self.peek(name, shape) == own)
        for name, own, count in (
            ("step_in_range", step, steps),
            ("group_in_range", group, groups),
            ("column_in_range", column, columns),
            ("slot_in_range", slot, slots),
        ):
            self.check(m, name, own < count)
