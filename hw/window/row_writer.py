"""Write side of the window buffer: spike words into the ring of rows."""

from __future__ import annotations

from math import gcd

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ..basics.checks import check_range
from ..basics.shapes import count_shape, index_shape
from ..basics.successor import successor
from ..design.geometry import WindowGeometry


class RowWriter(wiring.Component):
    """Places the words of an incoming map in memory and notes which pixels hold any event.

    A pixel arrives as ``groups`` groups of ``word_width`` bits, each as ``steps`` words, step
    after step; pixels come in raster order. The memory word at address ``column * steps + step``
    holds all slots (rows) of that column, slot after slot, ``channels * planes`` bits each. With
    ``geometry.row_words`` a word holds one slot, and each slot has as many addresses of its own.

    Members:
        words: in, stream; the incoming map; pixels come as one word of ``channels * planes`` bits.
        steps: in; T of the images under way, 1..geometry.steps (not read where that is 1).
        released: in; rows given back in this cycle.
        write_*: out; port of the memory.
        group_enables: out; writes, for each group of each row in a word.
        occupancy_*: out; port of the memory of pixel flags, one word per column, one bit per slot.
        row_written: out; a row became complete in this cycle.
    """

    words: stream.Interface
    steps: Signal
    released: Signal
    write_address: Signal
    write_data: Signal
    group_enables: Signal
    occupancy_address: Signal
    occupancy_data: Signal
    occupancy_enable: Signal
    row_written: Signal

    def __init__(self, geometry: WindowGeometry, word_width: int):
        width = geometry.channels * geometry.planes
        check_range("RowWriter", "word_width", word_width, 1, width)
        self.geometry = geometry
        self.word_width = word_width
        self.groups = ceil_div(width, word_width)
        self.granularity = gcd(width, word_width)
        self.pieces_per_word = word_width // self.granularity
        self.pieces_per_slot = width // self.granularity
        self.depth = geometry.depth
        slots = geometry.slots
        super().__init__(
            {
                "words": In(stream.Signature(word_width)),
                "steps": In(count_shape(geometry.steps)),
                "released": In(count_shape(slots)),
                "write_address": Out(index_shape(self.depth)),
                "write_data": Out(geometry.word_rows * width),
                "group_enables": Out(geometry.word_rows * self.groups),
                "occupancy_address": Out(index_shape(geometry.columns)),
                "occupancy_data": Out(slots),
                "occupancy_enable": Out(slots),
                "row_written": Out(1),
            }
        )

    def enabled_pieces(self) -> Value:
        """``group_enables`` for each ``granularity`` bits of a memory word.

        The same bits repeated: pieces that are told apart by nothing but their names would be
        padded to a byte each in a block RAM.
        """
        return Cat(
            self.group_enables[row * self.groups + piece // self.pieces_per_word]
            for row in range(self.geometry.word_rows)
            for piece in range(self.pieces_per_slot)
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        geometry = self.geometry
        slots = geometry.slots

        step = Signal(index_shape(geometry.steps))
        group = Signal(index_shape(self.groups))
        column = Signal(index_shape(geometry.columns))
        slot = Signal(index_shape(slots))
        column_base = Signal(index_shape(self.depth))
        pixel_occupied = Signal()
        occupied_rows = Signal(count_shape(slots))

        next_step = Signal(count_shape(geometry.steps))
        last_step = Signal()
        last_group = Signal()
        last_column = Signal()
        m.d.comb += [
            next_step.eq(step + 1),
            last_step.eq(1 if geometry.steps == 1 else next_step == self.steps),
            last_group.eq(group == self.groups - 1),
            last_column.eq(column == geometry.columns - 1),
            self.words.ready.eq(occupied_rows != slots),
        ]
        transfer = Signal()
        occupied = Signal()
        m.d.comb += [
            transfer.eq(self.words.valid & self.words.ready),
            occupied.eq(pixel_occupied | self.words.payload.any()),
            self.row_written.eq(transfer & last_step & last_group & last_column),
        ]
        with m.If(transfer):
            m.d.sync += [step.eq(next_step), pixel_occupied.eq(occupied)]
            with m.If(last_step):
                m.d.sync += [step.eq(0), group.eq(successor(group, self.groups))]
                with m.If(last_group):
                    m.d.sync += [
                        pixel_occupied.eq(0),
                        column.eq(successor(column, geometry.columns)),
                        column_base.eq(column_base + geometry.steps),
                    ]
                    with m.If(last_column):
                        m.d.sync += [
                            column_base.eq(
                                Mux(slot == slots - 1, 0, column_base + geometry.steps)
                                if geometry.row_words
                                else 0
                            ),
                            slot.eq(successor(slot, slots)),
                        ]
        m.d.sync += occupied_rows.eq(occupied_rows + self.row_written - self.released)

        # Every slot and group sees the same word; the enables choose where it is kept.
        slot_data = Cat(
            self.words.payload.word_select(piece % self.pieces_per_word, self.granularity)
            for piece in range(self.pieces_per_slot)
        )
        slot_select = Signal(slots)
        m.d.comb += slot_select.eq(Cat(slot == index for index in range(slots)))
        enables = []
        for row in range(geometry.word_rows):
            moves = transfer if geometry.row_words else transfer & slot_select[row]
            enables += [moves & (group == number) for number in range(self.groups)]
        m.d.comb += [
            self.write_address.eq(column_base + step),
            self.write_data.eq(slot_data.replicate(geometry.word_rows)),
            self.group_enables.eq(Cat(*enables)),
            self.occupancy_address.eq(column),
            self.occupancy_data.eq(occupied.replicate(slots)),
            self.occupancy_enable.eq(Mux(transfer & last_step & last_group, slot_select, 0)),
        ]
        return m
