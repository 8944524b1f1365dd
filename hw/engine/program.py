"""What an engine reads to run a pass: records of fields, as compiler and hardware know them.

A program is a sequence of passes, each a ``PASS`` record and then its tables in the order of
``TABLES``, each with as many records as the pass says. It ends with a ``PASS`` whose ``kind`` is
``END``. A record is a whole number of memory words, its first field in the lowest bits of the first
word; what is signed is in two's complement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ...golden.basics.arithmetic import ceil_div
from ..basics.widths import count_bits
from .design import (
    DIGIT_BITS,
    LANE_DIGITS,
    TRAIN_DIGITS,
    WORD_BITS,
    EngineDesign,
)

#: Bits of an address of the memory, in words: 256 MiB.
ADDRESS_BITS = 26
#: Bits of a row, a column or what is counted of them; and of a difference of two.
EXTENT_BITS, OFFSET_BITS = 14, 15


class Kind(IntEnum):
    """What a pass gives out."""

    END = 0  # nothing: the program's end
    DIGITS = 1  # numbers of at most 4 bits, eight to a word
    BYTES = 2  # numbers of at most 8 bits, four to a word
    CURRENTS = 3  # currents of 32 bits


#: Bits of a number in memory.
NUMBER_BITS = {Kind.DIGITS: DIGIT_BITS, Kind.BYTES: 2 * DIGIT_BITS, Kind.CURRENTS: WORD_BITS}


@dataclass(frozen=True)
class Field:
    """A field of a record; ``bits`` with the sign where it is ``signed``."""

    name: str
    bits: int
    signed: bool = False


@dataclass(frozen=True)
class Record:
    """Fields of a record, the first in the lowest bits."""

    name: str
    fields: tuple[Field, ...]

    @property
    def bits(self) -> int:
        return sum(field.bits for field in self.fields)

    @property
    def words(self) -> int:
        """Memory words of one record."""
        return ceil_div(self.bits, WORD_BITS)


def _of_trains(design: EngineDesign, bits: int) -> int:
    """Bits of a field that only an engine for ``rate`` has."""
    return bits if design.rate else 0


def pass_record(design: EngineDesign) -> Record:
    """The head of a pass.

    Fields:
        kind: see ``Kind``.
        steps: T of the layer; in ``rate`` bits of a net count of spikes.
        fires_signed: neurons fire signed.
        trains: what is written are spike trains of ``rate`` in place of numbers.
        groups: of channels.
        turns: of a group, F channels each; from ``fewest_turns`` of the design to its ``turns``.
        weight_stride: words of a lane's memory from one group to the next.
        weight_words: of a lane's memory that the pass takes in all.
        rows, columns: positions in front of pooling.
        strip: windows of a strip; the last strip of a row may have fewer.
        pool_row_*, pool_column_*: the maximum over kernel k, stride s, padding p: ``stride`` is s;
            ``open`` windows have begun in position 0, p // s + 1 (not more than there are);
            ``left`` positions the first of them has after it, k - 1 - p; ``until`` the next one
            begins, s - p % s. Without a maximum 1, 1, 0 and 1.
        pooled_rows, pooled_columns: what is written.
        pool_column_words: groups * turns (in ``rate`` of all steps), words of the pool's memory for
            a pooled column.
        pool_open_words: pool_column_words times the windows of a row that are under way at a time,
            ceil(k / s); at most ``column_words`` of the design.
        pool_row_words: pooled_columns * pool_column_words, 0 without a maximum.
        pool_ring_words: pool_row_words times the pooled rows that are under way at a time,
            ceil(k / s); at most ``pool_words``.
        out_base: memory word of the first number of the first pixel that the pass writes.
        out_row, out_pixel: memory words from one row (pixel) of the written map to the next.
        out_digit: from one digit of a train to the next.
        out_turns: turns of a pixel that are written; what is behind them has no channels.
        sources, segments, row_entries, operations, chunks, parameters: records in the tables;
            parameters has groups * turns, in ``rate`` for each step.
    """
    extent = EXTENT_BITS
    return Record(
        "pass",
        (
            Field("kind", 2),
            Field("steps", count_bits(design.steps)),
            Field("fires_signed", 1),
            Field("trains", _of_trains(design, 1)),
            Field("groups", count_bits(design.groups)),
            Field("turns", count_bits(design.turns)),
            Field("weight_stride", count_bits(design.weight_words)),
            Field("weight_words", count_bits(design.weight_words)),
            Field("rows", extent),
            Field("columns", extent),
            Field("strip", count_bits(design.windows)),
            *(
                Field(f"pool_{axis}_{name}", extent)
                for axis in ("row", "column")
                for name in ("stride", "open", "left", "until")
            ),
            Field("pooled_rows", extent),
            Field("pooled_columns", extent),
            Field("pool_column_words", count_bits(design.window_turns)),
            Field("pool_open_words", count_bits(design.column_words)),
            Field("pool_row_words", count_bits(design.pool_words)),
            Field("pool_ring_words", count_bits(design.pool_words)),
            Field("out_base", ADDRESS_BITS),
            Field("out_row", ADDRESS_BITS),
            Field("out_pixel", ADDRESS_BITS),
            Field("out_digit", _of_trains(design, ADDRESS_BITS)),
            Field("out_turns", count_bits(design.groups * design.turns)),
            Field("chunks", count_bits(design.segments)),
            Field("sources", count_bits(design.sources)),
            Field("segments", count_bits(design.segments)),
            Field("row_entries", count_bits(design.rows)),
            Field("operations", count_bits(design.operations)),
            Field("parameters", count_bits(design.window_turns)),
        ),
    )


def weights_record(design: EngineDesign) -> Record:
    """The word in front of the weights of a group of channels, in their stream.

    Fields:
        addresses: ``weight_stride`` of the pass; at each the stream has the weights of every lane.
        parts: memory words of a lane's weights at an address: of the turns that are written.
    """
    return Record(
        "weights",
        (
            Field("addresses", count_bits(design.weight_words)),
            Field("parts", count_bits(design.weight_memory_words)),
        ),
    )


def chunk_record(design: EngineDesign) -> Record:
    """A chunk: events of a window that are summed up together, and added to those before.

    Fields:
        odd_shift: sums of odd lanes are worth 16 times as much (the upper digits of bytes).
        level: of its weights' digits, 0 the lowest.
        fires: neurons fire with the total so far.
        first_step, ends_digit, digit: of a train, see ``TrainTagLayout``.
    """
    return Record(
        "chunk",
        (
            Field("odd_shift", 1),
            Field("level", count_bits(design.weight_digits - 1)),
            Field("fires", 1),
            Field("first_step", _of_trains(design, 1)),
            Field("ends_digit", _of_trains(design, 1)),
            Field("digit", _of_trains(design, count_bits(TRAIN_DIGITS - 1))),
        ),
    )


def source_record(design: EngineDesign) -> Record:
    """A map, or a slice of its channels, that the pass reads.

    A row of it is ``supers`` super pixels of ``super_reads`` memory words each; these lie behind
    one another in words of the row buffer, what is over at the end of the last one is zero. In
    memory the row is ``pieces`` pieces without gaps: a pixel each (its first words, where a slice
    is read), or the whole row where there is no gap between pixels.

    Fields:
        base: memory word of row 0.
        row_stride, piece_stride: memory words from row to row, from piece to piece.
        pieces, piece_words: of a row; pieces * piece_words is supers * super_reads.
        supers: super pixels of a row.
        super_reads: memory words of a super pixel: pixels of it * words of each that are read.
        rows: of the map.
        row_step: rows of the source from one row of windows to the next.
        row_reach: offset of the last row that a row of windows sees, of those seen in row 0.
        row_first: likewise of the first.
        slots: rows that the row buffer keeps; row r is in slot r modulo ``slots``.
        slot_words: words of the row buffer of a slot: supers * super_words.
        ring_words: slots * slot_words.
        buffer_base: word of the row buffer of slot 0.
    """
    word = count_bits(design.buffer_words)
    return Record(
        "source",
        (
            Field("base", ADDRESS_BITS),
            Field("row_stride", ADDRESS_BITS),
            Field("piece_stride", ADDRESS_BITS),
            Field("pieces", EXTENT_BITS),
            Field("piece_words", EXTENT_BITS),
            Field("supers", EXTENT_BITS),
            Field("super_reads", EXTENT_BITS),
            Field("rows", EXTENT_BITS),
            Field("row_step", EXTENT_BITS),
            Field("row_reach", OFFSET_BITS, signed=True),
            Field("row_first", OFFSET_BITS, signed=True),
            Field("slots", EXTENT_BITS),
            Field("slot_words", word),
            Field("ring_words", word),
            Field("buffer_base", word),
        ),
    )


def segment_record(design: EngineDesign) -> Record:
    """What of a source a window sees: rows and, in each of them, operations.

    A super pixel takes ``super_words`` words of the row buffer: its memory words
    (``super_reads``), rounded up to whole ones. The word that an operation reads for the window in
    row y and column x is
    buffer_base + (slot of row y + row offset) + (super pixel of column x) * super_words + offset.

    Fields:
        row_entry, operation: the first ones of the segment in their tables.
        rows, supers: of the source: what lies outside is not read.
        row_step: rows of the source from one row of windows to the next.
        super_start: super pixel of the window in column 0.
        super_start_words: super_start * super_words, modulo the words of the row buffer.
        buffer_base: as of the source.
        ring_words: slots * slot_words of the source.
        slot_step: (row_step modulo slots) * slot_words.
        signed_source: numbers are signed, ``sign_bit`` (of a byte) is the bit of their sign.
        odd: the chunk's ``odd_shift``.
        ends_chunk: the chunk's last segment.
        planes: bits of each digit that count: those of a step of a train, or all.
        flat: each of them counts once.
    """
    word = count_bits(design.buffer_words)
    return Record(
        "segment",
        (
            Field("row_entry", count_bits(design.rows - 1)),
            Field("operation", count_bits(design.operations - 1)),
            Field("rows", EXTENT_BITS),
            Field("supers", EXTENT_BITS),
            Field("row_step", EXTENT_BITS),
            Field("super_start", OFFSET_BITS, signed=True),
            Field("super_start_words", count_bits(design.buffer_words - 1)),
            Field("buffer_base", word),
            Field("ring_words", word),
            Field("slot_step", word),
            Field("signed_source", 1),
            Field("sign_bit", 3),
            Field("odd", 1),
            Field("ends_chunk", 1),
            Field("planes", _of_trains(design, DIGIT_BITS)),
            Field("flat", _of_trains(design, 1)),
        ),
    )


def row_record(design: EngineDesign) -> Record:
    """A row of the source that a window sees.

    Fields:
        row: its offset from row_step * (row of the window).
        slot_offset: (row modulo slots) * slot_words.
        weight: what it adds to the weight's address.
        last: of the segment.
    """
    return Record(
        "row",
        (
            Field("row", OFFSET_BITS, signed=True),
            Field("slot_offset", count_bits(design.buffer_words)),
            Field("weight", count_bits(design.weight_words - 1)),
            Field("last", 1),
        ),
    )


def operation_record(design: EngineDesign) -> Record:
    """A word of the row buffer that a window sees in each of its rows.

    The operations of a segment's windows come by phase: those of a window in column 0, then those
    of column 1, until they repeat.

    Fields:
        super_offset: of its super pixel, from that of the window.
        offset: super_offset * super_words + number of the word in its super pixel, modulo the words
            of the row buffer.
        weight: address of the weights of the lanes' lowest digits in the word; the others follow.
        mask: lanes that have weights for it.
        digits: of a lane, those that count.
        last: of the window's row.
        wraps: with ``last``: the next window has the segment's first operations again.
        advance: with ``last``: super pixels to the next window.
        advance_words: advance * super_words, modulo the words of the row buffer.
    """
    word = count_bits(design.buffer_words - 1)
    return Record(
        "operation",
        (
            Field("super_offset", OFFSET_BITS, signed=True),
            Field("offset", word),
            Field("weight", count_bits(design.weight_words - 1)),
            Field("mask", design.lanes),
            Field("digits", LANE_DIGITS),
            Field("last", 1),
            Field("wraps", 1),
            Field("advance", EXTENT_BITS),
            Field("advance_words", word),
        ),
    )


def parameter_record(design: EngineDesign) -> Record:
    """What F neurons need: those of turn t of group g are record g * turns + t.

    In ``rate`` so many records of each step follow one another.

    Fields, for each neuron f:
        offset_f: bias (with the zero point of an image) and initial potential.
        threshold_f: theta.
        below_f: L - 1 - offset of signed neurons.
        negative_threshold_f: theta' of signed neurons.
    """
    fields = []
    for neuron in range(design.firing):
        fields += [
            Field(f"offset_{neuron}", design.current_bits, signed=True),
            Field(f"threshold_{neuron}", design.threshold_bits),
            Field(f"below_{neuron}", design.current_bits, signed=True),
            Field(f"negative_threshold_{neuron}", design.threshold_bits),
        ]
    return Record("parameter", tuple(fields))


#: Tables of a pass, in the order in which they follow its head: what maps are read by comes first,
#: as the first rows are read while the other tables come.
TABLES = {
    "sources": source_record,
    "chunks": chunk_record,
    "segments": segment_record,
    "row_entries": row_record,
    "operations": operation_record,
    "parameters": parameter_record,
}


def table_sizes(design: EngineDesign) -> dict[str, int]:
    """The most records of each of ``TABLES``."""
    return {
        "chunks": design.segments,
        "sources": design.sources,
        "segments": design.segments,
        "row_entries": design.rows,
        "operations": design.operations,
        "parameters": design.window_turns,
    }
