"""Spike trains of ``rate``, led by the numbers of each step."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.shapes import index_shape
from ...memories.memory_shape import NO_COLLISIONS
from ..design import DIGIT_BITS, EngineDesign
from ..program import ADDRESS_BITS, pass_record
from ..record_layouts import record_layout
from .placed import PlacedLayout


class SpikeTrains(wiring.Component):
    """Makes spikes of the numbers n of each step, and digits of spikes. An element a cycle.

    A neuron of ``rate`` has a net count N of its spikes. It spikes where the number of all that it
    has been given so far is beyond that: +1 where n > N, -1 where n < N and it fires signed
    (docs/meaning.md, "A signed neuron"). As n comes out of the maximum, this is the neuron behind a
    maximum of summed currents.

    ::

        placed -> answered -> now -> trains
           |         ^         |
           +-> [N, digit] <----+

    A digit has the spikes of four steps, the first in its lowest bit; of signed neurons those of
    two, a bit for +1 and one for -1 each. What is not full begins higher. A digit is written with
    its last step. In a pass of numbers, everything goes through as it is.

    Members:
        header: in; the pass.
        placed: in, stream of ``PlacedLayout``.
        trains: out, stream of the same.
    """

    placed: stream.Interface
    trains: stream.Interface

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "placed": In(stream.Signature(PlacedLayout(design))),
                "trains": Out(stream.Signature(PlacedLayout(design))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, header = self.design, self.header
        state_layout = data.ArrayLayout(
            data.StructLayout({"count": unsigned(design.steps), "digit": DIGIT_BITS}),
            design.firing,
        )
        m.submodules.states = states = memory.Memory(
            shape=unsigned(state_layout.size),
            depth=design.pool_words,
            init=[],
            attrs=NO_COLLISIONS,
        )
        write, read = states.write_port(), states.read_port()
        # An element asks for its neurons' state, has the answer, and goes on from there.
        layout = PlacedLayout(design)
        asking = self.placed.payload
        answered, now, given = (
            Signal(layout, name=name, reset_less=True) for name in ("answered", "now", "given")
        )
        answered_valid, valid, moves = Signal(), Signal(), Signal()
        # Whether the element a cycle ahead, or the one before that, is of the same neurons: what
        # they write is not in the answer yet.
        ahead, before_that = Signal(), Signal()
        last_written = Signal(state_layout, reset_less=True)
        before = Signal(state_layout, reset_less=True)
        after = Signal(state_layout)
        address = index_shape(design.pool_words)
        asking_at, answered_at, at = Signal(address), Signal(address), Signal(address)
        m.d.comb += [
            moves.eq(~self.trains.valid | self.trains.ready),
            self.placed.ready.eq(moves),
            self.trains.payload.eq(given),
            asking_at.eq(asking.train.at),
            answered_at.eq(answered.train.at),
            at.eq(now.train.at),
            read.addr.eq(asking_at),
            read.en.eq(moves),
            write.addr.eq(at),
            write.data.eq(after),
            # Again and again where it waits: it is the same each time.
            write.en.eq(valid & now.write),
        ]
        with m.If(moves):
            m.d.sync += [
                answered_valid.eq(self.placed.valid),
                answered.eq(asking),
                ahead.eq(answered_valid & answered.write & (asking_at == answered_at)),
                before_that.eq(valid & now.write & (asking_at == at)),
                valid.eq(answered_valid),
                now.eq(answered),
                before.eq(Mux(ahead, after, Mux(before_that, last_written, read.data))),
                last_written.eq(after),
                self.trains.valid.eq(valid),
                given.eq(now),
                given.address.eq(now.address + self._digit_address(m, now, valid & moves)),
                given.write.eq(now.write & (~header.trains | now.train.step.ends_digit)),
            ]
        sign, used = Signal(design.steps), Signal(design.steps)
        m.d.comb += [
            # Numbers in two's complement compare like others once their signs are turned.
            sign.eq(Mux(header.fires_signed, (1 << header.steps) >> 1, 0)),
            used.eq((1 << header.steps) - 1),
        ]
        for neuron in range(design.firing):
            digit = self._spike(m, neuron, now, before[neuron], after[neuron], sign, used)
            with m.If(moves & header.trains):
                m.d.sync += given["values"][neuron].eq(digit)
        return m

    def _spike(self, m: Module, neuron: int, now, before, after, sign, used) -> Signal:
        """The state of ``neuron`` after a step; gives its digit so far."""
        header, step = self.header, now.train.step
        number = now["values"][neuron][: self.design.steps]
        count, digit = Signal(self.design.steps), Signal(DIGIT_BITS)
        rises, falls = Signal(name=f"rises_{neuron}"), Signal(name=f"falls_{neuron}")
        spelled = Signal(DIGIT_BITS, name=f"digit_{neuron}")
        m.d.comb += [
            count.eq(Mux(step.first, 0, before.count)),
            digit.eq(Mux(step.first, 0, before.digit)),
            rises.eq((number ^ sign) > (count ^ sign)),
            falls.eq(header.fires_signed & ((number ^ sign) < (count ^ sign))),
            spelled.eq(
                Mux(header.fires_signed, Cat(digit[2:], rises, falls), Cat(digit[1:], rises))
            ),
            after.count.eq(Mux(falls, count - 1, count + rises) & used),
            after.digit.eq(Mux(step.ends_digit, 0, spelled)),
        ]
        return spelled

    def _digit_address(self, m: Module, now, steps) -> Signal:
        """From the train's first digit to that of ``now``; digits come in their order."""
        behind, offset = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        digit = now.train.step.digit
        last_digit = Signal.like(digit)
        with m.If(digit != 0):
            m.d.comb += offset.eq(Mux(digit == last_digit, behind, behind + self.header.out_digit))
        with m.If(steps):
            m.d.sync += [behind.eq(offset), last_digit.eq(digit)]
        return offset
