"""Order of the windows: each job's groups, steps and positions, one pass over a window a cycle."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.select import encode, lowest, pick
from ..basics.shapes import count_shape, index_shape
from ..basics.successor import successor
from ..basics.table import lookup
from ..design.geometry import WindowGeometry
from ..design.payloads import JobLayout, UnitLayout
from ..design.style import FAST, Style
from .rotate import slot_after
from .window_flags import by_axis, flags_at


class PassLayout(data.StructLayout):
    """One pass over a window: a unit, or one bit plane of it where it is read plane by plane.

    Members:
        slabs: which of the window's slabs hold events.
        address: of the window's first column and the pass's step; not yet of its slot.
        slot: ring slot of the window's first row.
        rows_inside, columns_inside: kernel rows (columns) that are not padding.
        later_plane: of a plane other than the unit's first.
        last: the unit's last pass.
        release: rows to give back after it.
        unit: what the unit is for.
    """

    def __init__(self, geometry: WindowGeometry, groups: int):
        super().__init__(
            {
                "slabs": len(geometry.slabs),
                "address": index_shape(geometry.depth),
                "slot": index_shape(geometry.slots),
                "rows_inside": geometry.kernel[0],
                "columns_inside": geometry.kernel[1],
                "later_plane": 1,
                "last": 1,
                "release": count_shape(geometry.slots),
                "unit": UnitLayout(len(geometry.positions), groups),
            }
        )


class WindowPasses(wiring.Component):
    """Gives out a pass for each step, position and group of each job, in the fetcher's order.

    A pass a cycle, a job after a job without a pause. ``every_slab``: slabs without events as well;
    the other parameters, ``jobs`` and ``steps`` are those of the ``WindowFetcher``.

    Members:
        jobs: in, stream of ``JobLayout``.
        steps: in; T of the images under way.
        passes: out, stream of ``PassLayout``; one in each cycle.
    """

    jobs: stream.Interface
    steps: Signal
    passes: stream.Interface

    def __init__(
        self,
        geometry: WindowGeometry,
        groups: int,
        *,
        plane_by_plane: bool,
        fed: range,
        largest_steps: int,
        every_slab: bool,
        style: Style = FAST,
    ):
        self.geometry = geometry
        self.groups = groups
        self.plane_by_plane = plane_by_plane
        self.fed = fed
        self.largest_steps = largest_steps
        self.every_slab = every_slab
        self.step_planes = geometry.step_planes
        self.style = style
        super().__init__(
            {
                "jobs": In(stream.Signature(JobLayout(geometry))),
                "steps": In(count_shape(largest_steps)),
                "passes": Out(stream.Signature(PassLayout(geometry, groups))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        geometry = self.geometry
        given = self.passes.payload

        job = Signal(self.jobs.payload.shape(), reset_less=not self.style.payload_resets)
        active = Signal()
        # Positions of this group (and step) that are done. Kept in place of those that are left:
        # it is the same for every job that begins.
        done = Signal(len(geometry.positions))
        step = Signal(index_shape(self.largest_steps))
        group = Signal(index_shape(self.groups))

        position, last_position = self._position(m, job, done)
        fed, last_step, last_group, next_step = self._counted(m, step, group)
        unit_done = Signal()
        sum_done = Signal()  # all positions of a pooled output (and step) are done
        group_done = Signal()
        job_done = Signal()
        blank = ~(position & job.busy).any() | ~fed
        if self.plane_by_plane:
            later_plane = step != 0
            m.d.comb += [unit_done.eq(last_step | blank), group_done.eq(sum_done)]
        elif self.step_planes > 1:
            later_plane = Signal()
            m.d.comb += [unit_done.eq(later_plane | blank), group_done.eq(sum_done & last_step)]
        else:
            later_plane = Const(0)
            m.d.comb += [unit_done.eq(1), group_done.eq(sum_done & last_step)]
        taken = Signal()
        m.d.comb += [
            sum_done.eq(unit_done & last_position),
            job_done.eq(group_done & last_group),
            taken.eq(active & self.passes.ready),
            self.jobs.ready.eq(~active | (self.passes.ready & job_done)),
        ]
        step_done = unit_done if self.plane_by_plane else group_done
        with m.If(taken):
            with m.If(unit_done):
                m.d.sync += done.eq(Mux(last_position, 0, done | position))
            if self.plane_by_plane:
                m.d.sync += step.eq(Mux(step_done, 0, next_step))
            else:
                with m.If(sum_done):
                    m.d.sync += step.eq(Mux(step_done, 0, next_step))
                if self.step_planes > 1:
                    m.d.sync += later_plane.eq(~unit_done)
            if self.groups > 1:
                with m.If(group_done):
                    m.d.sync += group.eq(successor(group, self.groups))
            with m.If(job_done):
                m.d.sync += active.eq(0)
        with m.If(self.jobs.valid & self.jobs.ready):
            m.d.sync += [job.eq(self.jobs.payload), active.eq(1)]

        row, column = by_axis(geometry, position)
        slabs = Const(-1, len(geometry.slabs))
        if not self.every_slab:
            slabs = flags_at(geometry, job.occupied, row, column)
        word = step if self.step_planes == 1 else Cat(later_plane, step)
        unit = given.unit
        m.d.comb += [
            self.passes.valid.eq(active),
            given.slabs.eq(slabs & fed.replicate(len(slabs))),
            given.address.eq(self._address(m, job, column, word)),
            given.slot.eq(self._slot(m, job, row)),
            given.later_plane.eq(later_plane),
            given.last.eq(unit_done),
            given.release.eq(Mux(job_done, job.release, 0)),
            unit.position.eq(encode(position)),
            unit.first_position.eq(done == 0),
            unit.last_position.eq(last_position),
            unit.first_step.eq(1 if self.plane_by_plane else step == 0),
            unit.last_step.eq(1 if self.plane_by_plane else last_step),
            unit.group.eq(group),
        ]
        self._inside(m, job, row, column)
        return m

    def _position(self, m: Module, job: data.View, done: Signal) -> tuple[Signal, Signal]:
        """The position whose turn it is, one-hot, and whether it is the last of the job's."""
        count = len(self.geometry.positions)
        left = Signal(count)
        position = Signal(count)
        last_position = Signal()
        m.d.comb += [
            left.eq(job.visits & ~done),
            # The only position there is needs no search.
            position.eq(lowest(left) if count > 1 else 1),
            last_position.eq((left & ~position) == 0 if count > 1 else 1),
        ]
        return position, last_position

    def _counted(self, m: Module, step: Signal, group: Signal) -> tuple[Signal, ...]:
        """Whether the group is fed, step and group are the last, and the next step."""
        fed = Signal()
        last_step = Signal()
        last_group = Signal()
        next_step = Signal(count_shape(self.largest_steps))
        m.d.comb += [
            fed.eq(self._is_fed(m, group)),
            next_step.eq(step + 1),
            last_step.eq(1 if self.largest_steps == 1 else next_step == self.steps),
            last_group.eq(group == self.groups - 1),
        ]
        return fed, last_step, last_group, next_step

    def _inside(self, m: Module, job: data.View, row: Value, column: Value) -> None:
        """Which kernel rows and columns of the position are not padding."""
        geometry, given = self.geometry, self.passes.payload
        inside = (given.rows_inside, given.columns_inside)
        valid = (job.row_valid, job.column_valid)
        taps = (job.row_taps, job.column_taps)
        for axis, select in enumerate((row, column)):
            kernel, stride = geometry.kernel[axis], geometry.stride[axis]
            choices = []
            for index in range(len(select)):
                taken_bits = Cat(valid[axis][index * stride + tap] for tap in geometry.taps[axis])
                if geometry.valid_taps is not None:
                    taken_bits &= taps[axis].word_select(index, kernel)
                choices.append(taken_bits)
            m.d.comb += inside[axis].eq(pick(select, choices))

    def _address(self, m: Module, job, column: Value, word: Value) -> Value:
        """Address of the position's first column at a ``word``, modulo a power of two."""
        geometry = self.geometry
        offsets = [
            index * geometry.stride[1] * geometry.steps for index in range(geometry.pool_kernel[1])
        ]
        offset = lookup(m, encode(column), offsets, name="position_offset")
        address = job.address
        if len(column) > 1:
            address = address + offset
        return address + word if geometry.steps > 1 else address

    def _slot(self, m: Module, job, row: Value) -> Value:
        """Ring slot of the position's first row."""
        geometry = self.geometry
        steps = [index * geometry.stride[0] for index in range(len(row))]
        return slot_after(m, job.slot, geometry.slots, row, steps, "position_slot")

    def _is_fed(self, m: Module, group) -> Value | Const:
        """Whether ``group`` is among those that the connection feeds."""
        if len(self.fed) == self.groups:
            return Const(1, 1)
        return lookup(m, group, [int(i in self.fed) for i in range(self.groups)], name="fed")
