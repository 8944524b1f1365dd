"""Goes through the windows of a pass and reads what they see out of the row buffer."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import DIGIT_BITS, LANE_DIGITS, EngineDesign
from ..layouts import LANE_BITS, BeatLayout
from ..memory.table_port import TablePort
from ..program import EXTENT_BITS, operation_record, pass_record, row_record, segment_record
from ..record_layouts import record_layout


class EngineWalker(wiring.Component):
    """Beats of each window, segment by segment: a word of the row buffer each, then its end.

    ::

        for each row (once its rows are in the buffer), for each window of it
          for each segment, for each of its rows that is in the map
            for each operation whose super pixel is in the map: a beat
          where the segment ends a chunk: the end of the window

    An operation takes a cycle, a segment one besides, a row of windows one for each segment. The
    operations of a segment's last row are gone through wherever it lies: they say where the next
    window begins.

    Members:
        header: in; the pass.
        segments, row_entries, operations: in, ``TablePort``; the pass's tables.
        start: in; the pass begins.
        rows_ready: in; rows of windows of which everything is in the row buffer.
        row_done: out; for a cycle, the next row of windows begins.
        address, read: out; word of the row buffer that is to be read in this cycle.
        word: in; what was read, until the next one is.
        beats: out, stream of ``BeatLayout``.
    """

    start: Signal
    rows_ready: Signal
    row_done: Signal
    segments: wiring.PureInterface
    row_entries: wiring.PureInterface
    operations: wiring.PureInterface
    address: Signal
    read: Signal
    word: Signal
    beats: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        self.segment_layout = record_layout(segment_record(design))
        self.row_layout = record_layout(row_record(design))
        self.operation_layout = record_layout(operation_record(design))
        self.state_layout = data.StructLayout(
            {
                "super": self.segment_layout["super_start"].shape,
                "super_words": index_shape(design.buffer_words),
                "operation": index_shape(design.operations),
                "row": self.row_layout["row"].shape,
                "slot": self.segment_layout["ring_words"].shape,
            }
        )
        super().__init__(
            {
                "header": In(self.header_layout),
                "segments": In(TablePort(design, "segments")),
                "row_entries": In(TablePort(design, "row_entries")),
                "operations": In(TablePort(design, "operations")),
                "start": In(1),
                "rows_ready": In(EXTENT_BITS),
                "row_done": Out(1),
                "address": Out(index_shape(design.buffer_words)),
                "read": Out(1),
                "word": In(data.ArrayLayout(LANE_BITS, design.lanes)),
                "beats": Out(stream.Signature(BeatLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        header = self.header
        design = self.design
        segments = self._table(
            m, "segments", self.segments, self.segment_layout, design.segments, "comb"
        )
        rows = self._table(m, "row_entries", self.row_entries, self.row_layout, design.rows, "comb")
        operations = self._table(
            m, "operations", self.operations, self.operation_layout, design.operations, "sync"
        )
        m.submodules.states = states = memory.Memory(
            shape=self.state_layout, depth=design.segments, init=[]
        )
        keep, kept = states.write_port(), states.read_port(domain="comb")

        number = Signal(index_shape(design.segments))
        segment = Signal(self.segment_layout, reset_less=True)
        state = Signal(self.state_layout, reset_less=True)
        row_entry = Signal(index_shape(self.design.rows))
        pointer = Signal(index_shape(self.design.operations))
        next_pointer = Signal.like(pointer)
        window_row = Signal(EXTENT_BITS)
        columns_left = Signal(EXTENT_BITS)
        strip_left = Signal(header.strip.shape())
        last_segment = Signal()
        moves = Signal()
        operation, row = operations.data, rows.data
        m.d.comb += [
            segments.addr.eq(number),
            kept.addr.eq(number),
            rows.addr.eq(row_entry),
            operations.addr.eq(next_pointer),
            operations.en.eq(1),
            next_pointer.eq(pointer),
            last_segment.eq(number == header.segments - 1),
            keep.addr.eq(number),
        ]
        m.d.sync += pointer.eq(next_pointer)

        looks, ends, strip_ends, row_ends = Signal(), Signal(), Signal(), Signal()
        with m.FSM(name="walk"):
            with m.State("idle"):
                m.d.sync += [window_row.eq(0), number.eq(0)]
                with m.If(self.start):
                    m.next = "row"
            with m.State("row"):
                # Where each segment is in the first window of the row.
                slot = Signal(len(kept.data.slot) + 1)
                m.d.comb += [
                    slot.eq(kept.data.slot + segments.data.slot_step),
                    keep.data["super"].eq(segments.data.super_start),
                    keep.data.super_words.eq(segments.data.super_start_words),
                    keep.data.operation.eq(segments.data.operation),
                ]
                with m.If(window_row != 0):
                    m.d.comb += [
                        keep.data.row.eq(kept.data.row + segments.data.row_step),
                        keep.data.slot.eq(
                            Mux(
                                slot >= segments.data.ring_words,
                                slot - segments.data.ring_words,
                                slot,
                            )
                        ),
                    ]
                m.d.sync += [columns_left.eq(header.columns), strip_left.eq(header.strip)]
                with m.If(self.rows_ready > window_row):
                    m.d.comb += keep.en.eq(1)
                    m.d.sync += number.eq(number + 1)
                    with m.If(last_segment):
                        m.d.sync += number.eq(0)
                        m.next = "segment"
            with m.State("segment"):
                m.d.comb += next_pointer.eq(kept.data.operation)
                m.d.sync += [
                    segment.eq(segments.data),
                    state.eq(kept.data),
                    row_entry.eq(segments.data.row_entry),
                ]
                # The end of the window before goes out meanwhile.
                with m.If(moves):
                    m.next = "operations"
            with m.State("operations"):
                m.d.comb += looks.eq(1)
                m.d.comb += [
                    keep.data["super"].eq(state["super"] + operation.advance),
                    keep.data.super_words.eq(state.super_words + operation.advance_words),
                    keep.data.operation.eq(Mux(operation.wraps, segment.operation, pointer + 1)),
                    keep.data.row.eq(state.row),
                    keep.data.slot.eq(state.slot),
                ]
                with m.If(moves):
                    m.d.comb += next_pointer.eq(Mux(operation.last, state.operation, pointer + 1))
                    with m.If(operation.last):
                        m.d.sync += row_entry.eq(row_entry + 1)
                    with m.If(operation.last & row.last):
                        m.d.comb += keep.en.eq(1)
                        m.d.sync += number.eq(Mux(last_segment, 0, number + 1))
                        m.next = "end"
            with m.State("end"):
                # A cycle for the end of a window or, between segments of one chunk, for nothing.
                m.d.comb += ends.eq(segment.ends_chunk)
                m.d.comb += next_pointer.eq(kept.data.operation)
                with m.If(moves):
                    m.d.sync += [
                        segment.eq(segments.data),
                        state.eq(kept.data),
                        row_entry.eq(segments.data.row_entry),
                    ]
                    m.next = "operations"
                    with m.If(number == 0):
                        m.d.sync += [
                            columns_left.eq(columns_left - 1),
                            strip_left.eq(Mux(strip_ends, header.strip, strip_left - 1)),
                        ]
                        with m.If(columns_left == 1):
                            m.d.sync += window_row.eq(window_row + 1)
                            m.d.comb += row_ends.eq(1)
                            m.next = "row"
                            with m.If(window_row + 1 == header.rows):
                                m.next = "idle"
        m.d.comb += strip_ends.eq((strip_left == 1) | (columns_left == 1))

        # Where an operation's word is: sums first, then whether it is in the map and where its slot
        # begins, then its address.
        beat_layout = BeatLayout(design)
        summed, placed, asked, looked_up = (
            Signal(beat_layout, name=name, reset_less=True)
            for name in ("summed", "placed", "asked", "looked_up")
        )
        summed_digits, placed_digits = (
            Signal(LANE_DIGITS, name=name, reset_less=True)
            for name in ("summed_digits", "placed_digits")
        )
        summed_planes, placed_planes = (
            Signal(DIGIT_BITS, name=name, reset_less=True)
            for name in ("summed_planes", "placed_planes")
        )
        # Bits of each lane that count.
        asked_bits, counting = (
            Signal(LANE_BITS, name=name, reset_less=True) for name in ("asked_bits", "counting")
        )
        planes = segment.planes if design.rate else Const(-1, DIGIT_BITS)
        summed_looks, placed_valid, asked_valid = Signal(), Signal(), Signal()
        summed_row_ends, placed_row_ends = Signal(), Signal()
        extent = len(row.row) + 1
        map_row, super_pixel = Signal(signed(extent)), Signal(signed(extent))
        map_rows, supers = Signal.like(segment.rows), Signal.like(segment.supers)
        slot_word = Signal(len(state.slot) + 1, reset_less=True)
        ring_words = Signal.like(segment.ring_words, reset_less=True)
        slot_begins = Signal.like(self.address, reset_less=True)
        in_slot = Signal.like(self.address, reset_less=True)
        in_placed_slot = Signal.like(self.address, reset_less=True)
        seen = Signal()
        m.d.comb += seen.eq(
            summed_looks
            & (map_row >= 0)
            & (map_row < map_rows)
            & (super_pixel >= 0)
            & (super_pixel < supers)
        )
        with m.If(moves):
            m.d.sync += [
                summed_looks.eq(looks),
                summed_row_ends.eq(row_ends),
                summed.mask.eq(operation.mask),
                summed_digits.eq(operation.digits),
                summed_planes.eq(planes),
                summed.weight.eq(operation.weight + row.weight),
                summed.signed_source.eq(segment.signed_source),
                summed.sign_bit.eq(segment.sign_bit),
                summed.odd.eq(segment.odd),
                summed.flat.eq(segment.flat),
                summed.ends_window.eq(ends),
                summed.ends_strip.eq(ends & strip_ends),
                map_row.eq(state.row + row.row),
                map_rows.eq(segment.rows),
                super_pixel.eq(state["super"] + operation.super_offset),
                supers.eq(segment.supers),
                slot_word.eq(state.slot + row.slot_offset),
                ring_words.eq(segment.ring_words),
                in_slot.eq(segment.buffer_base + state.super_words + operation.offset),
                placed_valid.eq(seen | summed.ends_window),
                placed.eq(summed),
                placed_digits.eq(summed_digits),
                placed_planes.eq(summed_planes),
                slot_begins.eq(Mux(slot_word >= ring_words, slot_word - ring_words, slot_word)),
                in_placed_slot.eq(in_slot),
                asked_valid.eq(placed_valid),
                asked.eq(placed),
                asked_bits.eq(
                    Cat(digit.replicate(DIGIT_BITS) & placed_planes for digit in placed_digits)
                ),
                self.address.eq(slot_begins + in_placed_slot),
                self.beats.valid.eq(asked_valid),
                looked_up.eq(asked),
                counting.eq(asked_bits),
            ]
        m.d.comb += [
            moves.eq(~self.beats.valid | self.beats.ready),
            self.read.eq(moves),
            self.beats.payload.eq(looked_up),
            *(
                bits.eq(word & counting)
                for bits, word in zip(self.beats.payload.bits, self.word, strict=True)
            ),
        ]
        # Its words have been read once the row's end has come to where they are asked for.
        with m.If(moves):
            m.d.sync += [placed_row_ends.eq(summed_row_ends)]
        m.d.comb += self.row_done.eq(moves & placed_row_ends)
        return m

    @staticmethod
    def _table(m: Module, name: str, port, layout: data.StructLayout, depth: int, domain: str):
        """Read port of the table that ``port`` writes."""
        table = memory.Memory(shape=layout, depth=depth, init=[], attrs=NO_COLLISIONS)
        m.submodules[f"{name}_table"] = table
        write = table.write_port()
        m.d.comb += [
            write.addr.eq(port.index),
            write.data.eq(port.record),
            write.en.eq(port.write),
        ]
        return table.read_port(domain=domain)
