"""Read side of the window buffer: the columns of every window that hold an event."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_range
from .geometry import WindowGeometry
from .payloads import JobLayout, SlabLayout, UnitLayout
from .rotate import select_rows
from .select import encode, lowest, pick
from .shapes import count_shape, index_shape
from .table import lookup


class WindowFetcher(wiring.Component):
    """Turns each job into the slabs (kernel columns) of its windows, one a cycle.

    Order: for each group; ``plane_by_plane`` False: for each step, for each position;
    ``plane_by_plane`` True (radix spikes): for each position, for each step; then the columns.
    (With ``geometry.row_words`` read "tap" for column: each row of a kernel column on its own.)
    Columns without any event are left out; a window without any is one blank slab, once per step
    (once in all where ``plane_by_plane``). With ``collapse`` all positions without any event, which
    have the same current, are one. Without it every position is visited, as connections that are
    summed up must agree on it.

    Args:
        padding_bits: a padded pixel, ``channels * planes`` bits.
        fed: groups that the connection feeds; windows of the others are blank. All where None.
        repeats: most times that a map of one step is gone through, as the steps of a layer that
            sees spikes as well (``steps`` says how often); 1 for a map of several steps.

    Members:
        jobs: from the window walker.
        steps: T of the images under way (not read where the geometry has one step).
        read_address, read_enable, read_data: synchronous read port of the memory.
        released: rows given back in this cycle.
        slabs: to the lanes.
    """

    def __init__(
        self,
        geometry: WindowGeometry,
        groups: int,
        *,
        plane_by_plane: bool,
        padding_bits: int,
        collapse: bool = True,
        fed: range | None = None,
        repeats: int = 1,
    ):
        width = geometry.channels * geometry.planes
        check_range("WindowFetcher", "groups", groups, 1, None)
        check_range("WindowFetcher", "padding_bits", padding_bits, 0, 2**width - 1)
        self.geometry = geometry
        self.groups = groups
        self.plane_by_plane = plane_by_plane
        self.padding_bits = padding_bits
        self.collapse = collapse
        self.fed = range(groups) if fed is None else fed
        check_range("WindowFetcher", "repeats", repeats, 1, 1 if geometry.steps > 1 else None)
        self.largest_steps = max(geometry.steps, repeats)
        self.slab_layout = SlabLayout(geometry, 1, groups)
        depth = geometry.columns * geometry.steps  # of one row, or of a column of all rows
        self.job_layout = JobLayout(geometry, index_shape(depth))
        super().__init__(
            {
                "jobs": In(stream.Signature(self.job_layout)),
                "steps": In(count_shape(self.largest_steps)),
                "read_address": Out(index_shape(geometry.depth)),
                "read_enable": Out(1),
                "read_data": In(geometry.word_rows * width),
                "released": Out(count_shape(geometry.slots)),
                "slabs": Out(stream.Signature(self.slab_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        geometry = self.geometry
        slabs = len(geometry.slabs)
        positions = geometry.positions
        count = len(positions)

        job = Signal(self.job_layout)
        active = Signal()
        positions_left = Signal(count)
        columns_left = Signal(slabs)
        step = Signal(index_shape(self.largest_steps))
        group = Signal(index_shape(self.groups))

        # Of the job that is loaded next: its columns with events per position, and one stand-in
        # for all its positions without any.
        incoming = self.jobs.payload
        incoming_columns = [
            self._occupied_columns(incoming.occupied, position) for position in positions
        ]
        incoming_busy = Signal(count)
        incoming_blank = Signal(count)
        incoming_visits = Signal(count)
        m.d.comb += [
            incoming_busy.eq(
                Cat(columns.any() for columns in incoming_columns) & incoming.position_valid
            ),
            incoming_blank.eq(~incoming_busy & incoming.position_valid),
            incoming_visits.eq(
                incoming_busy | lowest(incoming_blank)
                if self.collapse
                else incoming.position_valid
            ),
        ]
        visits = Signal(count)

        # The column and position that are issued in this cycle.
        position_select = Signal(count)
        column_select = Signal(slabs)
        more_columns = Signal()
        more_positions = Signal()
        positions_rest = Signal(count)
        blank = Signal()
        m.d.comb += [
            position_select.eq(lowest(positions_left)),
            column_select.eq(lowest(columns_left)),
            more_columns.eq((columns_left & ~column_select).any()),
            positions_rest.eq(positions_left & ~position_select),
            more_positions.eq(positions_rest.any()),
            blank.eq(columns_left == 0),
        ]
        last_step = Signal()
        last_group = Signal()
        m.d.comb += [
            last_step.eq(1 if self.largest_steps == 1 else step == self.steps - 1),
            last_group.eq(group == self.groups - 1),
        ]
        unit_done = Signal()
        sum_done = Signal()  # all positions of a pooled output (and step) are done
        group_done = Signal()
        job_done = Signal()
        if self.plane_by_plane:
            m.d.comb += [
                unit_done.eq(~more_columns & (last_step | blank)),
                sum_done.eq(unit_done & ~more_positions),
                group_done.eq(sum_done),
            ]
        else:
            m.d.comb += [
                unit_done.eq(~more_columns),
                sum_done.eq(unit_done & ~more_positions),
                group_done.eq(sum_done & last_step),
            ]
        m.d.comb += job_done.eq(group_done & last_group)

        issued = Signal()
        advance = Signal()
        m.d.comb += [
            issued.eq(active & advance),
            self.jobs.ready.eq(~active | (issued & job_done)),
        ]
        columns_of = [Signal(slabs, name=f"columns_of_{i}") for i in range(count)]
        next_positions = Signal(count)
        fed_next = Signal()
        next_group = Mux(group_done, Mux(last_group, 0, group + 1), group)
        m.d.comb += [
            next_positions.eq(Mux(more_positions, positions_rest, visits)),
            fed_next.eq(self._is_fed(m, next_group)),
        ]
        with m.If(issued):
            m.d.sync += columns_left.eq(columns_left & ~column_select)
            with m.If(~more_columns):
                if self.plane_by_plane:
                    m.d.sync += step.eq(step + 1)
                    with m.If(~unit_done):
                        m.d.sync += columns_left.eq(pick(position_select, columns_of))
                with m.If(unit_done):
                    m.d.sync += [
                        positions_left.eq(next_positions),
                        columns_left.eq(
                            Mux(fed_next, pick(lowest(next_positions), columns_of), 0)
                        ),
                    ]
                    if self.plane_by_plane:
                        m.d.sync += step.eq(0)
                    else:
                        with m.If(sum_done):
                            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
                with m.If(group_done):
                    m.d.sync += group.eq(Mux(last_group, 0, group + 1))
            with m.If(job_done):
                m.d.sync += active.eq(0)
        with m.If(self.jobs.valid & self.jobs.ready):
            m.d.sync += [
                job.eq(incoming),
                active.eq(1),
                visits.eq(incoming_visits),
                positions_left.eq(incoming_visits),
                columns_left.eq(
                    pick(lowest(incoming_visits), incoming_columns) if 0 in self.fed else 0
                ),
                *(kept.eq(new) for kept, new in zip(columns_of, incoming_columns, strict=True)),
            ]

        # Where the memory is read: footprint column -> address, modulo the depth.
        depth = geometry.columns * geometry.steps
        footprint_column = Signal(index_shape(geometry.span[1]))
        for index, (_, position_column) in enumerate(positions):
            for slab, (_, column) in enumerate(geometry.slabs):
                with m.If(position_select[index] & column_select[slab]):
                    m.d.comb += footprint_column.eq(
                        position_column * geometry.stride[1] + geometry.taps[1][column]
                    )
        offset = lookup(
            m,
            footprint_column,
            [column * geometry.steps % depth for column in range(geometry.span[1])],
            name="offset",
        )
        position_row = Signal(index_shape(geometry.span[0]))
        position_slot = Signal(index_shape(geometry.slots))
        for index, (row, _) in enumerate(positions):
            with m.If(position_select[index]):
                m.d.comb += position_row.eq(row * geometry.stride[0])
            for slab, (kernel_row, _) in enumerate(geometry.slabs):
                down = 0 if kernel_row is None else geometry.taps[0][kernel_row]
                with m.If(position_select[index] & (column_select[slab] | blank)):
                    m.d.comb += position_slot.eq((row * geometry.stride[0] + down) % geometry.slots)

        # Issued in one cycle, the memory addressed in the next; it answers in the third. What the
        # slab is for travels beside it, and all of them wait where the slab does.
        issue = Signal(self._issue_layout())
        read = Signal.like(issue)
        issue_valid = Signal()
        read_valid = Signal()
        slots = geometry.slots
        slot = Signal(index_shape(slots))
        slot_base = 0
        if geometry.row_words:
            bases = [index * depth for index in range(slots)]
            slot_base = lookup(m, _wrapped(issue.slot, slots), bases, name="slot_base")
        m.d.comb += [
            advance.eq(~self.slabs.valid | self.slabs.ready),
            self.read_enable.eq(issue_valid & advance),
            self.read_address.eq(_wrapped(issue.address, depth) + issue.step + slot_base),
            self.released.eq(Mux(self.read_enable, issue.release, 0)),
        ]
        unit = issue.unit
        shifted_rows = Signal(max(geometry.taps[0]) + 1)
        m.d.comb += shifted_rows.eq(job.row_valid >> position_row)
        row_taps, column_tap = self._valid_taps(m, job, position_select, column_select)
        rows_inside = Cat(shifted_rows[row] for row in geometry.taps[0]) & row_taps
        with m.If(advance):
            m.d.sync += [
                issue_valid.eq(active),
                issue.address.eq(job.address + offset),
                issue.step.eq(step if geometry.steps > 1 else 0),
                issue.release.eq(Mux(job_done, job.release, 0)),
                issue.slot.eq(job.slot + position_slot),
                issue.rows_inside.eq(self._of_slab(rows_inside, column_select)),
                issue.column_inside.eq(
                    job.column_valid.bit_select(footprint_column, 1) & column_tap
                ),
                issue.blank.eq(blank),
                issue.slab.eq(encode(column_select)),
                issue.last.eq(unit_done),
                issue.new_plane.eq(
                    self._new_plane(step, columns_left, columns_of, position_select)
                ),
                unit.position.eq(encode(position_select)),
                unit.first_position.eq(position_select == lowest(visits)),
                unit.last_position.eq(~more_positions),
                unit.first_step.eq(1 if self.plane_by_plane else step == 0),
                unit.last_step.eq(1 if self.plane_by_plane else last_step),
                unit.group.eq(group),
                read_valid.eq(issue_valid),
                read.eq(issue),
                slot.eq(_wrapped(issue.slot, slots)),
            ]
        rows = self.read_data
        if not geometry.row_words:
            rows = select_rows(m, rows, slot, slots, geometry.taps[0], name="window_rows")
        width = geometry.channels * geometry.planes
        bits = Cat(
            Mux(
                read.blank,
                0,
                Mux(
                    read.column_inside & read.rows_inside[row],
                    rows.word_select(row, width),
                    self.padding_bits,
                ),
            )[:width]
            for row in range(geometry.slab_rows)
        )
        slab = self.slabs.payload
        with m.If(advance):
            m.d.sync += [
                self.slabs.valid.eq(read_valid),
                slab.bits.as_value().eq(bits),
                slab.slab.eq(read.slab),
                slab.new_plane.eq(read.new_plane),
                slab.last.eq(read.last),
                slab.unit.eq(read.unit),
            ]
        return m

    def _issue_layout(self) -> data.StructLayout:
        """What is known of a slab when it is issued; ``address`` and ``slot`` not yet wrapped."""
        geometry = self.geometry
        depth = geometry.columns * geometry.steps
        return data.StructLayout(
            {
                "address": range(2 * depth),
                "step": index_shape(geometry.steps),
                "release": count_shape(geometry.slots),
                "slot": range(2 * geometry.slots),
                "rows_inside": geometry.slab_rows,
                "column_inside": 1,
                "blank": 1,
                "slab": index_shape(len(geometry.slabs)),
                "last": 1,
                "new_plane": 1,
                "unit": UnitLayout(len(geometry.positions), self.groups),
            }
        )

    def _occupied_columns(self, occupied, position: tuple[int, int]):
        """Kernel columns of the window at ``position`` that hold any event, one bit each."""
        geometry = self.geometry
        top, left = (position[axis] * geometry.stride[axis] for axis in range(2))
        rows, columns = geometry.taps
        if geometry.valid_taps is not None and self.padding_bits:
            # A pixel of the map may count as padding, which holds events.
            return Const(-1, len(geometry.slabs))
        return Cat(
            Cat(
                occupied[left + columns[column]][top + offset]
                for offset in (rows if row is None else rows[row : row + 1])
            ).any()
            for row, column in geometry.slabs
        )

    def _of_slab(self, rows: Value, slab_select: Value) -> Value:
        """What of ``rows``, one bit for each kernel row, is of the selected slab's rows."""
        if not self.geometry.row_words:
            return rows
        return Cat(
            slab_select[slab] & rows[row] for slab, (row, _) in enumerate(self.geometry.slabs)
        ).any()

    def _valid_taps(self, m: Module, job, position_select, column_select) -> tuple:
        """Kernel rows of this position, and whether this kernel column, that are not padding."""
        geometry = self.geometry
        if geometry.valid_taps is None:
            return Const(-1, geometry.kernel[0]), 1
        rows, columns = Signal(geometry.kernel[0], name="tap_rows"), Signal(name="tap_column")
        slab_columns = Cat(
            Cat(
                column_select[slab]
                for slab, (_, column) in enumerate(geometry.slabs)
                if column == tap
            ).any()
            for tap in range(geometry.kernel[1])
        )
        for index, (row, column) in enumerate(geometry.positions):
            inside = job.column_taps.word_select(column, geometry.kernel[1])
            with m.If(position_select[index]):
                m.d.comb += [
                    rows.eq(job.row_taps.word_select(row, geometry.kernel[0])),
                    columns.eq((inside & slab_columns).any()),
                ]
        return rows, columns

    def _is_fed(self, m: Module, group) -> Value | int:
        """Whether ``group`` is among those that the connection feeds."""
        if len(self.fed) == self.groups:
            return 1
        fed = [int(index in self.fed) for index in range(self.groups)]
        return lookup(m, group, fed, name="fed")

    def _new_plane(self, step, columns_left, columns_of, position_select):
        """Whether this slab begins a plane other than its unit's first."""
        if not self.plane_by_plane:
            return 0
        return (step != 0) & (columns_left == pick(position_select, columns_of))


def _wrapped(value, end: int):
    """``value``, below ``2 * end``, modulo ``end``."""
    return Mux(value >= end, value - end, value)
