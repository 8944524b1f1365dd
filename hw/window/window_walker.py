"""Raster walk over the pooled outputs: waits for rows, gathers pixel flags, hands out jobs."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.bounds import Interval
from ..basics.select import lowest
from ..basics.shapes import index_shape, signed_shape
from ..basics.successor import successor
from ..basics.table import lookup
from ..design.geometry import WindowGeometry
from ..design.payloads import JobLayout
from .footprint_rows import FootprintRows, footprint_rows, inside_mask
from .rotate import select_rows
from .window_flags import busy_positions, hides_events, kept_flags


class WindowWalker(wiring.Component):
    """Hands out one job per pooled output as soon as the rows it needs are there.

    Flags of a footprint's columns are read one column a cycle into a shift register, so that
    neighbouring footprints share what they have in common. A column that was read waits in the
    memory's register until the shift register takes it, so that no decision stands before the
    memory's address.

    ``padding_occupied`` says whether a padded pixel has set bits (a zero point other than zero),
    ``collapse`` whether one position without events stands for all of them, which have the same
    current. Without it every position is visited, as connections that are summed up must agree.

    Members:
        row_written: in; a row became complete in this cycle.
        occupancy_address, occupancy_read: out; occupancy_data: in; clocked port of the pixel
            flags, which keeps what was read while nothing is.
        jobs: out, stream; the footprints, in raster order, image after image.
    """

    row_written: Signal
    occupancy_address: Signal
    occupancy_read: Signal
    occupancy_data: Signal
    jobs: stream.Interface

    def __init__(self, geometry: WindowGeometry, padding_occupied: bool, *, collapse: bool):
        self.geometry = geometry
        self.padding_occupied = padding_occupied
        self.collapse = collapse
        self.address_shape = index_shape(geometry.depth)
        super().__init__(
            {
                "row_written": In(1),
                "occupancy_address": Out(index_shape(geometry.columns)),
                "occupancy_read": Out(1),
                "occupancy_data": In(geometry.slots),
                "jobs": Out(stream.Signature(JobLayout(geometry))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        geometry = self.geometry
        job = self.jobs.payload
        place = self._place(m)
        rows = footprint_rows(m, geometry, place.row, place.last_row)
        columns = self._columns(m, rows)
        footprint = self._footprint(m, columns)
        m.d.comb += [
            self.jobs.valid.eq(footprint.reads_left == 0),
            job.slot.eq(rows.slot),
            job.address.eq(footprint.address),
            job.occupied.eq(footprint.flags),
            job.row_valid.eq(rows.valid),
            job.column_valid.eq(footprint.columns_inside),
            job.release.eq(Mux(place.last_column, rows.passed, 0)),
        ]
        self._visits(m, self._position_valid(m, place.row, place.column), footprint.flags)
        if geometry.valid_taps is not None:
            row_taps, column_taps = geometry.valid_taps
            m.d.comb += [
                job.row_taps.eq(lookup(m, place.row, row_taps, name="row_taps")),
                job.column_taps.eq(lookup(m, place.column, column_taps, name="column_taps")),
            ]
        self._advance(m, place, rows, columns, footprint)
        return m

    def _place(self, m: Module) -> _Place:
        """The pooled output whose job is made."""
        output_rows, output_columns = self.geometry.output
        output_row = Signal(index_shape(output_rows))
        output_column = Signal(index_shape(output_columns))
        last_row = Signal()
        last_column = Signal()
        m.d.comb += [
            last_row.eq(output_row == output_rows - 1),
            last_column.eq(output_column == output_columns - 1),
        ]
        return _Place(output_row, output_column, last_row, last_column)

    def _columns(self, m: Module, rows: FootprintRows) -> _Columns:
        """Columns: the one that is read next, and the flags of the one that waits.

        The one behind the row's last, whatever its number, may be read as well: it goes with the
        row.
        """
        geometry = self.geometry
        span_rows, span_columns = geometry.span
        first_column = geometry.origin[1]
        read_end = first_column + (geometry.output[1] - 1) * geometry.advance[1] + span_columns
        read_column = Signal(signed_shape(Interval(first_column, read_end - 1)), init=first_column)
        column_waits = Signal()
        inside = Signal()
        reading = self.occupancy_read
        shifting = Signal()
        m.d.comb += [
            reading.eq(rows.there & (~column_waits | shifting)),
            self.occupancy_address.eq(read_column),
        ]
        m.d.sync += column_waits.eq(reading | (column_waits & ~shifting))
        with m.If(reading):
            m.d.sync += [
                read_column.eq(read_column + 1),
                inside.eq((read_column >= 0) & (read_column < geometry.columns)),
            ]
        column_rows = Signal(span_rows)
        stored_rows = select_rows(
            m, self.occupancy_data, rows.slot, geometry.slots, range(span_rows), name="flags"
        )
        padded = (1 << span_rows) - 1 if self.padding_occupied else 0
        m.d.comb += column_rows.eq(
            Mux(
                inside,
                (stored_rows & rows.valid) | (~rows.valid & padded),
                padded,
            )
        )
        return _Columns(read_column, column_waits, inside, shifting, column_rows)

    def _footprint(self, m: Module, columns: _Columns) -> _Footprint:
        """The shift register of flags, and the buffer address of its first column."""
        geometry = self.geometry
        span_columns = geometry.span[1]
        flags = Signal(data.ArrayLayout(geometry.flag_rows, span_columns))
        columns_inside = Signal(span_columns)
        most = max(span_columns, geometry.advance[1])
        reads_left = Signal(range(most + 1), init=span_columns)
        footprint = Signal(self.address_shape, init=self._address(geometry.origin[1]))
        m.d.comb += columns.shifting.eq(columns.waits & (reads_left != 0))
        with m.If(columns.shifting):
            m.d.sync += [
                flags.as_value().eq(
                    Cat(flags.as_value()[geometry.flag_rows :], kept_flags(geometry, columns.rows))
                ),
                columns_inside.eq(Cat(columns_inside[1:], columns.inside)),
                reads_left.eq(reads_left - 1),
            ]
        return _Footprint(flags, columns_inside, reads_left, footprint)

    def _advance(
        self,
        m: Module,
        place: _Place,
        rows: FootprintRows,
        columns: _Columns,
        footprint: _Footprint,
    ) -> None:
        """On to the next pooled output once a job is taken."""
        geometry = self.geometry
        advance_columns, first_column = geometry.advance[1], geometry.origin[1]
        row_done = Signal()
        m.d.comb += row_done.eq(self.jobs.valid & self.jobs.ready & place.last_column)
        with m.If(self.jobs.valid & self.jobs.ready):
            m.d.sync += [
                place.column.eq(successor(place.column, geometry.output[1])),
                footprint.reads_left.eq(advance_columns),
                footprint.address.eq(footprint.address + advance_columns * geometry.steps),
            ]
            with m.If(place.last_column):
                m.d.sync += [
                    place.row.eq(successor(place.row, geometry.output[0])),
                    rows.slot.eq(rows.next_slot),
                    footprint.reads_left.eq(geometry.span[1]),
                    footprint.address.eq(self._address(first_column)),
                    columns.read.eq(first_column),
                    columns.waits.eq(0),
                ]
        available = rows.available
        m.d.sync += available.eq(available + self.row_written - Mux(row_done, rows.passed, 0))

    def _address(self, column: int) -> int:
        """Buffer address of ``column``, modulo a power of two."""
        return column * self.geometry.steps % (1 << self.address_shape.width)

    def _visits(self, m: Module, valid: Value, flags) -> None:
        """Which of the ``valid`` positions have events, and which are visited."""
        geometry = self.geometry
        job = self.jobs.payload
        every_slab = hides_events(geometry, self.padding_occupied)
        blank = Signal(len(geometry.positions))
        m.d.comb += [
            job.busy.eq(valid if every_slab else valid & busy_positions(geometry, flags)),
            blank.eq(valid & ~job.busy),
            job.visits.eq(job.busy | lowest(blank) if self.collapse else valid),
        ]

    def _position_valid(self, m: Module, output_row, output_column):
        """Pooling positions inside the convolution's output; only pooling's padding hides any."""
        geometry = self.geometry
        masks = []
        for axis, index, name in ((0, output_row, "row"), (1, output_column, "column")):
            starts = [
                output * geometry.pool_stride[axis] - geometry.pool_padding[axis]
                for output in range(geometry.output[axis])
            ]
            inside = [
                inside_mask(s, geometry.pool_kernel[axis], geometry.conv[axis]) for s in starts
            ]
            masks.append(lookup(m, index, inside, name=f"position_{name}_valid"))
        rows, columns = masks
        return Cat(rows.bit_select(r, 1) & columns.bit_select(c, 1) for r, c in geometry.positions)


class _Place(NamedTuple):
    """A pooled output, and whether it is the last of its column or row."""

    row: Signal
    column: Signal
    last_row: Signal
    last_column: Signal


class _Columns(NamedTuple):
    """The column that is read, and the one that waits to be shifted in.

    Attributes:
        read: the input column that is read next.
        waits: one has been read.
        inside: it lies inside the map.
        shifting: it is taken in this cycle.
        rows: its flags, a bit for each row of the footprint.
    """

    read: Signal
    waits: Signal
    inside: Signal
    shifting: Signal
    rows: Signal


class _Footprint(NamedTuple):
    """Kept flags of each column, which lie inside, columns still to be read, buffer address."""

    flags: data.View
    columns_inside: Signal
    reads_left: Signal
    address: Signal
