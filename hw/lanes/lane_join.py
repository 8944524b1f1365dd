"""Adder tree over the event lanes."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.errors import RheobaseError
from ..design.payloads import SumLayout, UnitLayout, vector
from ..design.style import FAST, Style


class LaneJoin(wiring.Component):
    """Adds one sum of every lane, neuron by neuron; a register after each level of the tree.

    A level takes its sums when it is empty, whatever the next one does: what enables its registers
    is one register. So the join takes a unit every other cycle at most, as lanes do with units of
    one event.

    Args:
        lane_shapes: shape of the sums of each lane.
        neurons: P.
        sum_shape: shape that holds the total.
        unit: layout of what the sums are for; units come in the order of the sums.
        style: whether registers have a reset.

    Members:
        lane_0 ...: in, streams; P sums of each lane.
        units: in, stream; what the sums are for.
        joined: out, stream of ``SumLayout``.
    """

    units: stream.Interface
    joined: stream.Interface

    def __init__(
        self,
        lane_shapes: list[Shape],
        neurons: int,
        sum_shape: Shape,
        unit: UnitLayout,
        *,
        style: Style = FAST,
    ):
        if not lane_shapes:
            raise RheobaseError("LaneJoin: lane_shapes is empty, must be one shape per lane")
        self.neurons = neurons
        self.reset_less = not style.payload_resets
        self.lane_shapes = lane_shapes
        self.sum_shape = sum_shape
        self.sum_layout = SumLayout(sum_shape, neurons, unit)
        members = {
            f"lane_{index}": In(stream.Signature(vector(shape, neurons)))
            for index, shape in enumerate(lane_shapes)
        }
        super().__init__(
            members
            | {
                "units": In(stream.Signature(unit)),
                "joined": Out(stream.Signature(self.sum_layout)),
            }
        )

    @property
    def lanes(self) -> list:
        """The lanes' input streams."""
        return [getattr(self, f"lane_{index}") for index in range(len(self.lane_shapes))]

    def elaborate(self, platform) -> Module:
        m = Module()
        arrived = self.units.valid
        for lane in self.lanes:
            arrived = arrived & lane.valid
        valid = Signal(name="all_valid")
        m.d.comb += valid.eq(arrived)
        unit = self.units.payload
        terms = [[lane.payload[neuron] for lane in self.lanes] for neuron in range(self.neurons)]
        level = 0
        while len(terms[0]) > 1 or level == 0:
            held = Signal(name=f"valid_{level}")
            next_unit = Signal.like(unit, name=f"unit_{level}", reset_less=self.reset_less)
            partials = [
                [
                    # A sum of some lanes is a partial sum of the window, so it fits as well.
                    Signal(
                        self.sum_shape,
                        name=f"partial_{level}_{neuron}_{index // 2}",
                        reset_less=self.reset_less,
                    )
                    for index in range(0, len(addends), 2)
                ]
                for neuron, addends in enumerate(terms)
            ]
            with m.If(~held):
                m.d.sync += [held.eq(valid), next_unit.eq(unit)]
                for row, addends in zip(partials, terms, strict=True):
                    m.d.sync += [p.eq(sum(addends[2 * i : 2 * i + 2])) for i, p in enumerate(row)]
            if level == 0:
                for source in (self.units, *self.lanes):
                    m.d.comb += source.ready.eq(valid & ~held)
            else:
                with m.If(valid & ~held):
                    m.d.sync += valid.eq(0)
            valid, unit, terms = held, next_unit, partials
            level += 1
        with m.If(valid & self.joined.ready):
            m.d.sync += valid.eq(0)
        m.d.comb += [self.joined.valid.eq(valid), self.joined.payload.unit.eq(unit)]
        for neuron, (total,) in enumerate(terms):
            m.d.comb += self.joined.payload.sums[neuron].eq(total)
        return m
