"""Read side of the window buffer: the columns of every window that hold an event."""

from __future__ import annotations

from typing import NamedTuple

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.errors import RheobaseError
from ..basics.checks import check_range
from ..basics.select import encode
from ..basics.shapes import count_shape, index_shape
from ..basics.table import lookup
from ..design.geometry import WindowGeometry
from ..design.payloads import JobLayout, SlabLayout, UnitLayout
from ..design.style import FAST, Style
from .rotate import RowPicker, slot_after
from .window_flags import hides_events
from .window_passes import WindowPasses


class WindowFetcher(wiring.Component):
    """Turns each job into the slabs (kernel columns) of its windows, one a cycle.

    Order: for each group; ``plane_by_plane`` False: for each step, for each position;
    ``plane_by_plane`` True (radix spikes): for each position, for each step; then the columns.
    (Where a step has two planes, both of them for each step and position.)
    (With ``geometry.row_words`` read "tap" for column: each row of a kernel column on its own.)
    Columns without any event are left out; a window without any is one blank slab, once per step
    (once in all where ``plane_by_plane``). Which positions are visited is said by the job.

    Args:
        padding_bits: a padded pixel, ``channels * planes`` bits.
        fed: groups that the connection feeds; windows of the others are blank. All where None.
        repeats: most times that a map of one step is gone through, as the steps of a layer that
            sees spikes as well (``steps`` says how often); 1 for a map of several steps.
        style: without ``path_registers`` a slab is given out as the memory answers, and asked for
            in the cycle of its pass.
        single_port: nothing is read in a cycle with ``hold``; for row words alone.

    Members:
        jobs: in, stream; from the window walker.
        hold: in; the memory is written (of ``single_port`` alone).
        steps: in; T of the images under way (not read where the geometry has one step).
        read_address, read_enable: out; read_data: in; synchronous read port of the memory.
        released: out; rows given back in this cycle.
        slabs: out, stream; to the lanes.
    """

    hold: Signal
    jobs: stream.Interface
    steps: Signal
    read_address: Signal
    read_enable: Signal
    read_data: Signal
    released: Signal
    slabs: stream.Interface

    def __init__(
        self,
        geometry: WindowGeometry,
        groups: int,
        *,
        plane_by_plane: bool,
        padding_bits: int,
        fed: range | None = None,
        repeats: int = 1,
        style: Style = FAST,
        single_port: bool = False,
    ):
        width = geometry.channels * geometry.planes
        check_range("WindowFetcher", "groups", groups, 1, None)
        check_range("WindowFetcher", "padding_bits", padding_bits, 0, 2**width - 1)
        self.geometry = geometry
        self.groups = groups
        self.plane_by_plane = plane_by_plane
        self.padding_bits = padding_bits
        self.style = style
        self.single_port = single_port
        if single_port and not geometry.row_words:
            raise RheobaseError(
                "WindowFetcher: single_port is True, must be a geometry of row words with it"
            )
        self.fed = range(groups) if fed is None else fed
        check_range("WindowFetcher", "repeats", repeats, 1, 1 if geometry.steps > 1 else None)
        self.largest_steps = max(geometry.steps // geometry.step_planes, repeats)
        rows_taken = (0,) if geometry.row_words else geometry.taps[0]
        self.picker = RowPicker(geometry.word_rows, rows_taken)
        self.slab_layout = SlabLayout(geometry, 1, groups)
        self.passes = WindowPasses(
            geometry,
            groups,
            plane_by_plane=plane_by_plane,
            fed=self.fed,
            largest_steps=self.largest_steps,
            every_slab=hides_events(geometry, padding_bits != 0),
            style=style,
        )
        holding = {"hold": In(1)} if single_port else {}
        super().__init__(
            holding
            | {
                "jobs": In(stream.Signature(JobLayout(geometry))),
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
        m.submodules.passes = passes = self.passes
        wiring.connect(m, wiring.flipped(self.jobs), passes.jobs)
        m.d.comb += passes.steps.eq(self.steps)
        current = self._current(m)
        # What the slab is for travels beside its memory word, and waits where that does. With
        # ``row_words`` a cycle is for the address, as each slot has addresses of its own;
        # without, it is for the rows of what the memory answers.
        issue = Signal(self._issue_layout(), reset_less=not self.style.payload_resets)
        issue_valid = Signal()
        read = Signal.like(issue)
        read_valid = Signal()
        issued = self._issued(m, current, issue, issue_valid)
        slot_base = self._slot_base(m, issue)
        if self.geometry.row_words and self.style.path_registers:
            with m.If(current.advance):
                m.d.sync += issued
        else:
            m.d.comb += issued
        self._address(m, current.advance, issue.address + slot_base, issue, issue_valid)
        given = self._given(read, read_valid)
        if self.single_port:
            # What the memory answered before has left, and nothing follows it.
            with m.If(self.hold & self.slabs.ready):
                m.d.sync += read_valid.eq(0)
        with m.If(current.advance):
            m.d.sync += [read_valid.eq(issue_valid), read.eq(issue)]
        if self.geometry.row_words or not self.style.path_registers:
            m.d.comb += given
        else:
            with m.If(current.advance):
                m.d.sync += given
        return m

    def _current(self, m: Module) -> _Current:
        """The pass under way and its slabs that are still to be issued."""
        geometry, passes = self.geometry, self.passes
        begun = passes.passes.payload
        now = Signal(begun.shape(), reset_less=not self.style.payload_resets)
        active = Signal()
        left = Signal(len(geometry.slabs))
        later = Signal(len(geometry.slabs))
        select = Signal(len(geometry.slabs))
        more = Signal()
        advance = Signal()
        below = [left[:index].any() for index in range(len(left))]
        m.d.comb += [
            select.eq(Cat(bit & ~others for bit, others in zip(left, below, strict=True))),
            later.eq(Cat(bit & others for bit, others in zip(left, below, strict=True))),
            more.eq(later.any()),
            passes.passes.ready.eq((advance | ~active) & ~more),
        ]
        # A pass that is none has no slabs: what the flags are before the first job is unknown.
        begins = begun.slabs & passes.passes.valid.replicate(len(left))
        with m.If(advance | ~active):
            m.d.sync += [left.eq(Mux(more, later, begins)), now.later_plane.eq(0)]
            with m.If(~more):
                m.d.sync += [active.eq(passes.passes.valid), now.eq(begun)]
        return _Current(now, active, left, select, more, advance)

    def _issued(self, m: Module, current: _Current, issue: data.View, issue_valid: Signal) -> list:
        """The selected slab, its address, its rows, what it is for: assignments to ``issue``."""
        geometry, now, select = self.geometry, current.now, current.select
        blank = current.left == 0
        row, column = self._taps(select)
        columns_inside = (now.columns_inside & column).any()
        rows_inside = now.rows_inside
        address = now.address + self._column_offset(m, column)
        slot = word_slot = now.slot
        if geometry.row_words:
            word_slot = Const(0)
            rows_inside = (rows_inside & row).any()
            slot = self._row_slot(m, slot, row)
        inside = rows_inside & columns_inside.replicate(geometry.slab_rows)
        return [
            issue_valid.eq(current.active),
            issue.address.eq(address),
            issue.slot.eq(slot),
            issue.release.eq(Mux(current.more, 0, now.release)),
            issue.rows.eq(
                self.picker.selects(m, word_slot, inside & ~blank.replicate(geometry.slab_rows))
            ),
            issue.padded.eq(~(inside | blank.replicate(geometry.slab_rows))),
            issue.slab.eq(encode(select)),
            issue.new_plane.eq(now.later_plane),
            issue.last.eq(now.last & ~current.more),
            issue.unit.eq(now.unit),
        ]

    def _slot_base(self, m: Module, issue: data.View) -> Value | int:
        """First address of the slot: with ``row_words`` each has addresses of its own."""
        geometry = self.geometry
        if not geometry.row_words:
            return 0
        bases = [index * geometry.columns * geometry.steps for index in range(geometry.slots)]
        return lookup(m, issue.slot, bases, name="slot_base")

    def _address(
        self, m: Module, advance: Signal, address: Value, issue: data.View, issue_valid: Signal
    ) -> None:
        """The memory's read port, and the rows that are given back."""
        moves = ~self.slabs.valid | self.slabs.ready
        if self.single_port:
            moves &= ~self.hold
        m.d.comb += [
            advance.eq(moves),
            self.read_enable.eq(issue_valid & advance),
            self.read_address.eq(address),
            self.released.eq(Mux(self.read_enable, issue.release, 0)),
        ]

    def _given(self, read: data.View, read_valid: Signal) -> list:
        """The slab that the memory has answered, as assignments to ``slabs``."""
        geometry = self.geometry
        width = geometry.channels * geometry.planes
        padding = Const(self.padding_bits, width)
        bits = Cat(
            bits | (padding & read.padded[row].replicate(width))
            for row, bits in enumerate(self.picker.take(self.read_data, read.rows))
        )
        slab = self.slabs.payload
        return [
            self.slabs.valid.eq(read_valid),
            slab.bits.as_value().eq(bits),
            slab.slab.eq(read.slab),
            slab.new_plane.eq(read.new_plane),
            slab.last.eq(read.last),
            slab.unit.eq(read.unit),
        ]

    def _issue_layout(self) -> data.StructLayout:
        """What is known of a slab when it is issued.

        ``rows`` takes rows out of the memory word, ``padded`` says which are padding; both are zero
        for those of a blank window.
        """
        geometry = self.geometry
        return data.StructLayout(
            {
                "address": index_shape(geometry.depth),
                "slot": index_shape(geometry.slots),
                "release": count_shape(geometry.slots),
                "rows": self.picker.select_bits,
                "padded": geometry.slab_rows,
                "slab": index_shape(len(geometry.slabs)),
                "new_plane": 1,
                "last": 1,
                "unit": UnitLayout(len(geometry.positions), self.groups),
            }
        )

    def _taps(self, select: Value) -> tuple[Value, Value]:
        """Kernel row (without ``row_words``: none) and column of the selected slab, one-hot."""
        slabs = self.geometry.slabs
        return tuple(
            Cat(
                Cat(select[slab] for slab, tap in enumerate(slabs) if tap[axis] == place).any()
                for place in range(self.geometry.kernel[axis])
            )
            for axis in range(2)
        )

    def _column_offset(self, m: Module, column: Value) -> Value:
        """From the address of a window's first column to that of the selected kernel column."""
        geometry = self.geometry
        offsets = [tap * geometry.steps for tap in geometry.taps[1]]
        return lookup(m, encode(column), offsets, name="column_offset")

    def _row_slot(self, m: Module, first: Value, row: Value) -> Value:
        """Slot of the selected kernel row of a window whose first row is in slot ``first``."""
        return slot_after(m, first, self.geometry.slots, row, self.geometry.taps[0], "row_slot")


class _Current(NamedTuple):
    """The pass under way.

    Attributes:
        now: what it is.
        active: there is one.
        left: its slabs that are still to be issued.
        select: the first of them, one-hot.
        more: there are others behind that one.
        advance: the selected slab goes on in this cycle.
    """

    now: data.View
    active: Signal
    left: Signal
    select: Signal
    more: Signal
    advance: Signal
