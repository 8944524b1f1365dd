"""Window buffer of a graph lane: a map comes in row by row, a whole window goes out each cycle."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.bounds import Interval
from ..basics.select import pick
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..basics.step_words import step_words
from ..basics.successor import successor
from ..basics.table import lookup
from ..design.payloads import WindowLayout, WindowMarks
from ..design.sliding import SlidingGeometry
from ..memories.memory_shape import row_memory
from .footprint_rows import FootprintRows, footprint_rows
from .rotate import select_rows
from .row_writer import RowWriter


class SlidingWindows(wiring.Component):
    """A map in; of each window and plane all bits at once, a window's plane in each cycle.

    ::

        words -> row writer -> rows (memory) -> column -> windows
                                                  ^ columns before it (of each plane)

    A column of the ring, all rows of a footprint, is read in each cycle, plane after plane. The
    columns before it wait in registers, or in a memory of a word for each plane. Pooled outputs
    come in raster order, the windows of each column after column, the planes of each one after
    another. Windows come whether they hold events or not.

    Args:
        sliding: the geometry, and which channels are kept.
        word_width: bits of an incoming word.
        padding_bits: of a padded pixel, ``channels * planes`` bits.

    Members:
        words, steps: as those of ``WindowBuffer``.
        windows: out, stream of ``WindowLayout``.

    Cycles: one for each window and plane; one for each plane of a column that ends no window.
    """

    words: stream.Interface
    steps: Signal
    windows: stream.Interface

    def __init__(self, sliding: SlidingGeometry, *, word_width: int, padding_bits: int = 0):
        geometry = sliding.geometry
        self.sliding = sliding
        self.geometry = geometry
        self.padding_bits = padding_bits
        self.writer = RowWriter(geometry, word_width)
        self.row_shape = row_memory(geometry, word_width)
        self.largest_steps = geometry.steps // geometry.step_planes
        super().__init__(
            {
                "words": In(stream.Signature(word_width)),
                "steps": In(count_shape(self.largest_steps)),
                "windows": Out(stream.Signature(WindowLayout(sliding))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        geometry, sliding = self.geometry, self.sliding
        m.submodules.writer = writer = self.writer
        wiring.connect(m, wiring.flipped(self.words), writer.words)
        m.d.comb += writer.steps.eq(
            step_words(self.steps, geometry.step_planes) if geometry.steps > 1 else 1
        )
        write, read = self._row_memory(m)
        advance = Signal()
        m.d.comb += [
            write.addr.eq(writer.write_address),
            write.data.eq(writer.write_data),
            write.en.eq(writer.enabled_pieces()),
            advance.eq(~self.windows.valid | self.windows.ready),
        ]
        issued = self._issue(m, advance)
        m.d.comb += [read.addr.eq(issued.address), read.en.eq(issued.valid & advance)]

        # The memory's answer, its rows in order, what is padding put in.
        asked = Signal(_Task(sliding), reset_less=True)
        asked_valid = Signal()
        column = Signal(sliding.column_bits, reset_less=True)
        task = Signal(_Task(sliding), reset_less=True)
        task_valid = Signal()
        with m.If(advance):
            m.d.sync += [
                asked_valid.eq(issued.valid),
                asked.eq(issued.task),
                task_valid.eq(asked_valid),
                task.eq(asked),
                column.eq(self._column(m, read.data, asked)),
            ]
        before = self._before(m, task, task_valid & advance, column)
        window = self.windows.payload
        held = Signal.like(window, reset_less=True)
        m.d.comb += window.eq(held)
        with m.If(advance):
            m.d.sync += [
                self.windows.valid.eq(task_valid & task.emits),
                held.marks.eq(task.marks),
                held.bits.eq(self._window(Cat(before, column), task)),
            ]
        return m

    def _row_memory(self, m: Module) -> tuple:
        """Write and read port of the ring."""
        shape = self.row_shape
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(shape.width), depth=shape.words, init=[], attrs=shape.attributes
        )
        return rows.write_port(granularity=self.writer.granularity), rows.read_port()

    def _issue(self, m: Module, advance: Signal) -> _Issued:
        """Which column and plane of the ring is read in this cycle, and what for."""
        geometry, sliding = self.geometry, self.sliding
        row = Signal(index_shape(geometry.output[0]))
        last_row = Signal()
        m.d.comb += last_row.eq(row == geometry.output[0] - 1)
        rows = footprint_rows(m, geometry, row, last_row)

        reach = max(geometry.taps[1])  # columns in front of a window's last one
        first_column = geometry.origin[1]
        column = Signal(
            signed_shape(Interval(min(first_column, 0), first_column + sliding.columns_read)),
            init=first_column,
        )
        address_bits = index_shape(geometry.depth).width
        base = Signal(address_bits, init=first_column * geometry.steps % (1 << address_bits))
        left = Signal(range(max(reach, geometry.stride[1] - 1) + 1), init=reach)
        pool_rows, pool_columns = geometry.pool_kernel
        window_column = Signal(index_shape(sliding.windows[1]))  # of all windows of the row
        pool_column = Signal(index_shape(pool_columns))
        pool_row = Signal(index_shape(pool_rows))
        step = Signal(index_shape(self.largest_steps))
        second = Signal() if geometry.step_planes > 1 else Const(1, 1)

        emits, last_step, last_plane, last_pool_row, row_ends, moves, column_done = (
            Signal(name=name)
            for name in (
                "emits", "last_step", "last_plane", "last_pool_row", "row_ends", "moves",
                "column_done",
            )
        )  # fmt: skip
        rows_of_pool = [
            min(pool_rows, sliding.windows[0] - y * pool_rows) - 1
            for y in range(geometry.output[0])
        ]
        last_of_pool = lookup(m, row, rows_of_pool, name="last_of_pool")
        m.d.comb += [
            emits.eq(left == 0),
            last_step.eq(1 if self.largest_steps == 1 else step + 1 == self.steps),
            last_plane.eq(last_step & second),
            last_pool_row.eq(~emits | (pool_row == last_of_pool)),
            row_ends.eq(emits & (window_column == sliding.windows[1] - 1)),
            moves.eq(rows.there & advance),
            column_done.eq(moves & last_plane & last_pool_row),
        ]
        first_word = (step == 0) & (~second if geometry.step_planes > 1 else 1)
        task = Signal(_Task(sliding))
        marks = task.marks
        m.d.comb += [
            task.slot.eq(rows.slot),
            task.rows_inside.eq(rows.valid),
            task.inside.eq((column >= 0) & (column < geometry.columns)),
            task.emits.eq(emits),
            task.shifts.eq(last_pool_row),
            task.pool_row.eq(pool_row),
            task.word.eq(step if geometry.step_planes == 1 else Cat(second, step)),
            marks.first_plane.eq(first_word),
            marks.last_plane.eq(last_plane),
            marks.second.eq(second),
            marks.first_step.eq(step == 0),
            marks.last_step.eq(last_step),
            marks.first_position.eq((pool_row == 0) & (pool_column == 0)),
            marks.last_position.eq(last_pool_row & ((pool_column == pool_columns - 1) | row_ends)),
        ]
        if geometry.valid_taps is not None:
            output_column = Signal(index_shape(geometry.output[1]))
            row_taps, column_taps = geometry.valid_taps
            for axis, index, place, taps in (
                (0, row, pool_row, row_taps), (1, output_column, pool_column, column_taps)
            ):  # fmt: skip
                known = lookup(m, index, taps, name=f"taps_{axis}")
                kernel = geometry.kernel[axis]
                m.d.comb += (task.row_taps, task.column_taps)[axis].eq(
                    known.word_select(place, kernel)
                    if geometry.pool_kernel[axis] > 1
                    else known[:kernel]
                )
            with m.If(column_done & emits & ((pool_column == pool_columns - 1) | row_ends)):
                m.d.sync += output_column.eq(Mux(row_ends, 0, output_column + 1))

        with m.If(moves):
            if geometry.step_planes > 1:
                m.d.sync += second.eq(~second)
            if self.largest_steps > 1:
                with m.If(second):
                    m.d.sync += step.eq(Mux(last_step, 0, step + 1))
            with m.If(last_plane):
                m.d.sync += pool_row.eq(Mux(last_pool_row, 0, pool_row + 1))
        with m.If(column_done):
            m.d.sync += [
                column.eq(column + 1),
                base.eq(base + geometry.steps),
                left.eq(Mux(emits, geometry.stride[1] - 1, left - 1)),
            ]
            with m.If(emits):
                m.d.sync += window_column.eq(window_column + 1)
                if pool_columns > 1:
                    m.d.sync += pool_column.eq(successor(pool_column, pool_columns))
            with m.If(row_ends):
                m.d.sync += [
                    column.eq(first_column),
                    base.eq(base.init),
                    left.eq(reach),
                    window_column.eq(0),
                    pool_column.eq(0),
                    row.eq(Mux(last_row, 0, row + 1)),
                    rows.slot.eq(rows.next_slot),
                ]
        self._give_back(m, rows, column_done & row_ends)
        return _Issued(rows.there, base + task.word, task)

    def _give_back(self, m: Module, rows: FootprintRows, row_done: Value) -> None:
        """The rows that no later footprint needs, once the last window of a row is read."""
        released = Mux(row_done, rows.passed, 0)
        m.d.comb += self.writer.released.eq(released)
        m.d.sync += rows.available.eq(rows.available + self.writer.row_written - released)

    def _column(self, m: Module, ring: Value, asked: data.View) -> Value:
        """The kept bits of a footprint's rows in the column that was read."""
        geometry = self.geometry
        span = geometry.span[0]
        rows = select_rows(m, ring, asked.slot, geometry.slots, range(span), name="rows_in_order")
        width = geometry.channels * geometry.planes
        kept = []
        for row in range(span):
            bits = self._kept(rows.word_select(row, width))
            inside = asked.rows_inside[row] & asked.inside
            kept.append(self._padded(bits, inside))
        return Cat(kept)

    def _kept(self, bits: Value) -> Value:
        """Of a pixel's ``bits`` those of the channels that the kernel sees."""
        first, width = self.sliding.first_channel, self.geometry.channels
        return Cat(
            bits[plane * width + first : plane * width + first + self.sliding.channels]
            for plane in range(self.geometry.planes)
        )

    def _padded(self, bits: Value, inside: Value) -> Value:
        """``bits`` of a pixel where it is ``inside``, else those of padding."""
        width = len(bits)
        inside = Cat(inside).replicate(width)
        padding = self._kept(Const(self.padding_bits, self.sliding.pixel_bits))
        return (bits & inside) | (padding & ~inside)

    def _before(self, m: Module, task: data.View, moves: Value, column: Signal) -> Value:
        """The columns before ``column`` at its plane, the earliest lowest; it joins them then."""
        sliding = self.sliding
        width = sliding.column_bits * max(self.geometry.taps[1])
        if not width:
            return Const(0, 0)
        shifts = moves & task.shifts
        if self.geometry.steps == 1:
            before = Signal(width, reset_less=True)
            with m.If(shifts):
                m.d.sync += before.eq(Cat(before, column)[sliding.column_bits :])
            return before
        m.submodules.before = storage = memory.Memory(
            shape=unsigned(width), depth=self.geometry.steps, init=[]
        )
        read, write = storage.read_port(domain="comb"), storage.write_port()
        m.d.comb += [
            read.addr.eq(task.word),
            write.addr.eq(task.word),
            write.en.eq(shifts),
            write.data.eq(Cat(read.data, column)[sliding.column_bits :]),
        ]
        return read.data

    def _window(self, columns: Value, task: data.View) -> Value:
        """The window's bits: of ``columns`` the rows that its position takes."""
        geometry, sliding = self.geometry, self.sliding
        pool_rows = geometry.pool_kernel[0]
        place = Cat(task.pool_row == index for index in range(pool_rows))
        taken = []
        for row_index, row in enumerate(geometry.taps[0]):
            for column_index, column in enumerate(geometry.taps[1]):
                of_column = columns[
                    column * sliding.column_bits : (column + 1) * sliding.column_bits
                ]
                choices = [
                    of_column.word_select(start * geometry.stride[0] + row, sliding.pixel_kept)
                    for start in range(pool_rows)
                ]
                bits = choices[0] if pool_rows == 1 else pick(place, choices)
                if geometry.valid_taps is not None:
                    bits = self._padded(
                        bits, task.row_taps[row_index] & task.column_taps[column_index]
                    )
                taken.append(bits)
        return Cat(taken)


class _Task(data.StructLayout):
    """What a column of the ring is read for.

    Members:
        slot: of the footprint's first row.
        rows_inside: rows of the footprint that lie inside the map.
        inside: the column does.
        emits: a window ends with it.
        shifts: it is read for the last time.
        pool_row: of the window's position.
        word: of the column's words which.
        row_taps, column_taps: taps that are no padding, with a sum pool.
        marks: what the window is for.
    """

    def __init__(self, sliding: SlidingGeometry):
        geometry = sliding.geometry
        taps = geometry.kernel if geometry.valid_taps is not None else (1, 1)
        super().__init__(
            {
                "slot": index_shape(geometry.slots),
                "rows_inside": geometry.span[0],
                "inside": 1,
                "emits": 1,
                "shifts": 1,
                "pool_row": index_shape(geometry.pool_kernel[0]),
                "word": index_shape(geometry.steps),
                "row_taps": taps[0],
                "column_taps": taps[1],
                "marks": WindowMarks(),
            }
        )


class _Issued(NamedTuple):
    """A read of the ring: whether there is one, where, and what for."""

    valid: Signal
    address: Value
    task: data.View
