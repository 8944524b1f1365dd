"""What of a lane's slabs is worth a cycle: words without events are dropped."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape
from ..basics.table import lookup
from ..design.payloads import LaneSlabLayout, LaneWordLayout
from ..design.style import FAST, Style
from .slab_stage import NotedSlabLayout


class WordFilter(wiring.Component):
    """Passes the words that hold events and folds into them what the others meant.

    A word is held back until it is known whether it is its unit's last with events, so that the
    end of a unit never costs a word of its own, unless the unit has none. ``largest_shift`` is
    the number of planes of a unit less one where planes come as separate slabs, else 0; planes
    before the first event need no shift, as the sum is still zero. ``blocks`` is, per group, the
    block of weights that it adds (groups that have none of their own may name any); ``slab_of``
    per slab the stored slab of a block, which is one for several slabs of a ``sum_pool``. With
    ``signed_trains`` words of a unit's first plane say that they are ``negative``.

    What takes the words has to say whether it has a place before a word is offered, as a queue
    does. Where ``style`` has no ``path_registers`` and every unit is one slab, which is its word as
    it stands, no register holds it.

    Members:
        slab: in, stream of ``NotedSlabLayout``.
        words: out, stream of ``LaneWordLayout``.
    """

    slab: stream.Interface
    words: stream.Interface

    def __init__(
        self,
        taps: int,
        planes: int,
        slabs: int,
        groups: int,
        largest_shift: int,
        blocks: Sequence[int] | None = None,
        slab_of: Sequence[int] | None = None,
        *,
        signed_trains: bool = False,
        style: Style = FAST,
    ):
        for name, value in (("taps", taps), ("planes", planes), ("slabs", slabs)):
            check_range("WordFilter", name, value, 1, None)
        check_range("WordFilter", "groups", groups, 1, None)
        check_range("WordFilter", "largest_shift", largest_shift, 0, None)
        self.taps = taps
        self.slabs = slabs
        self.groups = groups
        self.largest_shift = largest_shift
        self.blocks = tuple(range(groups) if blocks is None else blocks)
        self.slab_of = tuple(range(slabs) if slab_of is None else slab_of)
        self.stored_slabs = max(self.slab_of) + 1
        self.style = style
        one_slab = slabs == 1 and largest_shift == 0 and not signed_trains
        self.passes = one_slab and not style.path_registers
        words = (max(self.blocks) + 1) * self.stored_slabs * taps
        self.signed_trains = signed_trains
        self.word_layout = LaneWordLayout(
            taps, planes, words, largest_shift, signed_trains=signed_trains
        )
        self.slab_layout = LaneSlabLayout(taps, planes, slabs, groups)
        super().__init__(
            {
                "slab": In(stream.Signature(NotedSlabLayout(self.slab_layout))),
                "words": Out(stream.Signature(self.word_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if self.passes:
            self._pass(m)
        else:
            self._filter(m)
        return m

    def _pass(self, m: Module) -> None:
        """Words are slabs with another address."""
        slab, word = self.slab.payload.slab, self.words.payload
        m.d.comb += [
            word.bits.eq(slab.bits),
            word.address.eq(self._base(m, slab)),
            word.shift.eq(0),
            word.last.eq(1),
            self.words.valid.eq(self.slab.valid),
            self.slab.ready.eq(self.words.ready),
        ]

    def _base(self, m: Module, slab: data.View) -> Value:
        """Address of the weight of the slab's first tap."""
        slab_base = lookup(
            m, slab.slab, [stored * self.taps for stored in self.slab_of], name="slab_base"
        )
        group_base = lookup(
            m,
            slab.group,
            [block * self.stored_slabs * self.taps for block in self.blocks],
            name="group_base",
        )
        return group_base + slab_base

    def _filter(self, m: Module) -> None:
        slab = self.slab.payload.slab
        base = self._base(m, slab)
        pending = Signal(self.word_layout, reset_less=not self.style.payload_resets)
        pending_valid = Signal()
        started = Signal()
        planes_skipped = Signal(count_shape(self.largest_shift))

        shift = Signal(count_shape(self.largest_shift))
        has_events = Signal()
        shifts = Signal()
        ends_late = Signal()
        comes = Signal()
        complete = Signal()
        m.d.comb += [
            has_events.eq(self.slab.payload.filled),
            # A unit that ends in empty planes, or has no event at all, needs a word for that.
            ends_late.eq(slab.last & (~started | shifts)),
            comes.eq(self.slab.valid & (has_events | ends_late)),
            complete.eq(pending.last),
            self.words.payload.eq(pending),
            self.words.valid.eq(pending_valid & (complete | comes)),
            # Also where the slab would not need the place: what a slab holds would come late to all
            # that waits for this, and while words wait behind, the lane has enough to do.
            self.slab.ready.eq(~pending_valid | self.words.ready),
        ]
        if self.largest_shift:
            m.d.comb += [
                shift.eq(Mux(started, planes_skipped + slab.new_plane, 0)),
                shifts.eq((planes_skipped != 0) | slab.new_plane),
            ]

        # A word that leaves, by itself or pushed by the next, in terms of what is known early.
        m.d.sync += pending_valid.eq(comes | (pending_valid & ~(complete & self.words.ready)))
        with m.If(self.slab.valid & self.slab.ready):
            m.d.sync += [
                planes_skipped.eq(Mux(has_events | slab.last, 0, shift)),
                started.eq(~slab.last & (started | has_events)),
            ]
            with m.If(comes):
                m.d.sync += [
                    pending.bits.eq(slab.bits),
                    pending.address.eq(base),
                    pending.shift.eq(shift),
                    pending.last.eq(slab.last),
                ]
            with m.Elif(slab.last):
                m.d.sync += pending.last.eq(1)
        if self.signed_trains:
            in_first_plane = Signal(init=1)
            negative = in_first_plane & ~slab.new_plane
            with m.If(self.slab.valid & self.slab.ready):
                m.d.sync += in_first_plane.eq(slab.last | negative)
                with m.If(comes):
                    m.d.sync += pending.negative.eq(negative)
