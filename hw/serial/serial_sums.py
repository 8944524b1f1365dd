"""Sums of a map in a memory, to which weights are added one after another."""

from __future__ import annotations

from enum import Enum

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.hdl import Shape
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.add_or_subtract import add_or_subtract
from ..basics.shapes import index_shape
from ..design.payloads import SumLayout, UnitLayout, vector
from ..design.serial_design import SerialDesign
from ..memories.memory_shape import serial_memory
from ..memories.weight_store import WeightStore
from .serial_layouts import SerialEventLayout


class _State(Enum):
    """What the memory of sums is used for."""

    CLEARS = 0  # all sums, after a reset
    ADDS = 1
    WAITS = 2  # for the last additions
    READS = 3  # a group's sums
    GIVES = 4


class SerialSums(wiring.Component):
    """P adders that go through all groups of P sums for each event.

    ::

        events -> address -> weights ──> shift, sign ─┐
                     group ──> [memory of sums] ────> + ─> written back
                                                  └> sums, group after group, at the image's end

    A sum is cleared as it is given.

    Args:
        design: the connection.
        sum_shape: of a sum, and of all that it is on the way.

    Members:
        events: in, stream of ``SerialEventLayout``.
        sums: out, stream of ``SumLayout``; a beat for each group, at the end of an image.
        accumulating: out; an event is added to a group.

    Cycles: of an event as many as groups, three at least (two in compact layers); two a group at
    the end of an image.
    """

    events: stream.Interface
    sums: stream.Interface
    accumulating: Signal

    def __init__(self, design: SerialDesign, sum_shape: Shape):
        self.design = design
        self.sum_shape = sum_shape
        connection = design.connection
        self.event_layout = SerialEventLayout(len(design.weights), design.largest_shift)
        layout = SumLayout(sum_shape, connection.neurons, UnitLayout(1, design.groups))
        self.weights = WeightStore(
            design.weights,
            connection.connection.weight_bits,
            connection.weight_memory,
            style=connection.style,
        )
        super().__init__(
            {
                "events": In(stream.Signature(self.event_layout)),
                "sums": Out(stream.Signature(layout)),
                "accumulating": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        m.submodules.weights = weights = self.weights
        layout = vector(self.sum_shape, design.connection.neurons)
        kept = serial_memory(layout.size, design.groups)
        m.submodules.kept = storage = memory.Memory(
            shape=layout, depth=kept.words, init=[], attrs=kept.attributes
        )
        read, write = storage.read_port(), storage.write_port()
        state = Signal(_State)
        event = self.events.payload
        group = Signal(index_shape(design.passes))
        last_group = Signal()
        adds, ends = Signal(), Signal()
        address = Signal.like(event.weights)
        m.d.comb += [
            last_group.eq(group == design.groups - 1),
            ends.eq(group == design.passes - 1),
            adds.eq(
                (state == _State.ADDS) & self.events.valid & event.adds & (group < design.groups)
            ),
            weights.moves.eq(1),
            weights.address.eq(Mux(group == 0, event.weights, address)),
            self.events.ready.eq((state == _State.ADDS) & (ends | ~event.adds)),
        ]
        m.d.sync += address.eq(weights.address + 1)
        summed = self._additions(m, adds, group, read, write)

        with m.Switch(state):
            with m.Case(_State.CLEARS):
                m.d.comb += [write.en.eq(1), write.addr.eq(group), write.data.eq(0)]
                m.d.sync += group.eq(group + 1)
                with m.If(last_group):
                    m.d.sync += [group.eq(0), state.eq(_State.ADDS)]
            with m.Case(_State.ADDS):
                with m.If(self.events.valid & event.adds):
                    m.d.sync += group.eq(Mux(ends, 0, group + 1))
                with m.If(self.events.valid & self.events.ready & event.last):
                    m.d.sync += state.eq(_State.WAITS)
            with m.Case(_State.WAITS), m.If(summed):
                m.d.sync += state.eq(_State.READS)
            with m.Case(_State.READS):
                m.d.comb += [read.en.eq(1), read.addr.eq(group)]
                m.d.sync += state.eq(_State.GIVES)
            with m.Case(_State.GIVES):
                m.d.comb += [
                    self.sums.valid.eq(1),
                    write.en.eq(self.sums.ready),
                    write.addr.eq(group),
                    write.data.eq(0),
                ]
                with m.If(self.sums.ready):
                    m.d.sync += [
                        group.eq(Mux(last_group, 0, group + 1)),
                        state.eq(Mux(last_group, _State.ADDS, _State.READS)),
                    ]
        unit = self.sums.payload.unit
        m.d.comb += [
            self.sums.payload.sums.eq(read.data),
            unit.group.eq(group),
            unit.first_position.eq(1),
            unit.last_position.eq(1),
            unit.first_step.eq(1),
            unit.last_step.eq(1),
        ]
        return m

    def _additions(self, m: Module, adds: Signal, group: Signal, read, write) -> Signal:
        """Adds the weights of ``group`` where ``adds`` says so; gives whether all are added.

        The sums are read so that they come with the weights.
        """
        design, event = self.design, self.events.payload
        sums = read.data
        if design.sum_register:
            sums = Signal.like(read.data, name="held_sums", reset_less=True)
            m.d.sync += sums.eq(read.data)
        asked = self.weights.latency - 1 - design.sum_register
        task = {"adds": adds, "group": group, "shift": event.shift, "negative": event.negative}
        under_way = []
        for cycle in range(self.weights.latency):
            later = {
                name: Signal.like(value, name=f"{name}_{cycle + 1}", reset_less=name != "adds")
                for name, value in task.items()
            }
            m.d.sync += [later[name].eq(value) for name, value in task.items()]
            if cycle == asked:
                m.d.comb += [read.en.eq(task["adds"]), read.addr.eq(task["group"])]
            under_way.append(later["adds"])
            task = later
        m.d.comb += [
            self.accumulating.eq(task["adds"]),
            write.en.eq(task["adds"]),
            write.addr.eq(task["group"]),
        ]
        for neuron in range(design.connection.neurons):
            weight = self.weights.word[neuron]
            width = len(weight) + design.largest_shift
            worth = Signal(signed(width), name=f"worth_{neuron}")
            total = Signal(self.sum_shape, name=f"total_{neuron}")
            m.d.comb += [
                worth.eq(weight << task["shift"] if design.largest_shift else weight),
                total.eq(
                    add_or_subtract(sums[neuron], worth, task["negative"])
                    if design.connection.signed_trains
                    else sums[neuron] + worth
                ),
                write.data[neuron].eq(total),
            ]
        all_added = Signal()
        m.d.comb += all_added.eq(Cat(under_way) == 0)
        return all_added
