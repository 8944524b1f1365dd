"""Direct lane: depthwise weights of P neurons, each gated by the spike of its own channel."""

from __future__ import annotations

import numpy as np
from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.bounds import Interval
from ..basics.add_or_subtract import add_or_subtract
from ..basics.checks import check_range
from ..basics.queue import Queue
from ..basics.select import encode, lowest, pick
from ..basics.shapes import index_shape, packed_words, signed_shape
from ..basics.table import lookup
from ..design.folding import WeightMemory
from ..design.payloads import vector
from ..design.queues import DIRECT_SUM_QUEUE_DEPTH
from ..memories.memory_shape import CONSTANT_WORDS, weight_memory


class DirectSlabLayout(data.StructLayout):
    """Spikes of one kernel column: per kernel row, the bit of each neuron's own channel."""

    def __init__(self, neurons: int, rows: int, slabs: int, groups: int):
        super().__init__(
            {
                "bits": data.ArrayLayout(neurons, rows),
                "slab": index_shape(slabs),
                "group": index_shape(groups),
                "new_plane": 1,
                "last": 1,
            }
        )


class DirectLane(wiring.Component):
    """Adds P weights at a time where P spikes gate them; a cycle per kernel row with spikes.

    Nothing is searched: with one input channel for each neuron, the P bits of a kernel row are the
    gates of the P weights of that tap. A slab without spikes takes a cycle as well. At a new plane
    the sum is doubled (radix trains).

    Args:
        blocks: integers (groups, slabs, rows, P): the weights of each tap.
        weight_bits: two's complement width of a weight.
        bounds: of a sum, partial ones included.
        weight_memory: what holds more than ``CONSTANT_WORDS`` words; by their size where None.
        signed_trains: the first plane of a unit counts negative.
        doubles: a new plane doubles the sum; those of a step of ``rate`` are worth the same.

    Members:
        slab: in, stream; see ``DirectSlabLayout``.
        sums: out, stream; one for each unit.
        accumulating: out; per neuron: its weight is added in this cycle.
    """

    slab: stream.Interface
    sums: stream.Interface
    accumulating: Signal

    def __init__(
        self,
        blocks: np.ndarray,
        weight_bits: int,
        bounds: Interval,
        weight_memory: WeightMemory | None = None,
        *,
        signed_trains: bool = False,
        doubles: bool = True,
    ):
        check_range("DirectLane", "dimensions of blocks", blocks.ndim, 4, 4)
        limit = 1 << (weight_bits - 1)
        check_range("DirectLane", "least weight", int(blocks.min()), -limit, limit - 1)
        check_range("DirectLane", "greatest weight", int(blocks.max()), -limit, limit - 1)
        groups, slabs, rows, neurons = blocks.shape
        self.blocks = blocks
        self.weight_memory = weight_memory
        self.signed_trains = signed_trains
        self.doubles = doubles
        self.weight_layout = vector(signed(weight_bits), neurons)
        self.sum_shape = signed_shape(bounds)
        self.sums_layout = vector(self.sum_shape, neurons)
        super().__init__(
            {
                "slab": In(stream.Signature(DirectSlabLayout(neurons, rows, slabs, groups))),
                "sums": Out(stream.Signature(self.sums_layout)),
                "accumulating": Out(neurons),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        groups, slabs, rows, neurons = self.blocks.shape
        incoming = self.slab.payload
        words = groups * slabs * rows

        # The slab whose rows are gone through.
        bits = Signal(data.ArrayLayout(neurons, rows), reset_less=True)
        rows_left = Signal(rows)
        base = Signal(index_shape(words), reset_less=True)
        shift = Signal()
        last = Signal()
        held = Signal()
        row_select = Signal(rows)
        slab_done = Signal()
        advance = Signal()
        group_base = lookup(
            m, incoming.group, [group * slabs * rows for group in range(groups)], name="group_base"
        )
        slab_base = lookup(
            m, incoming.slab, [slab * rows for slab in range(slabs)], name="slab_base"
        )
        m.d.comb += [
            row_select.eq(lowest(rows_left)),
            slab_done.eq((rows_left & ~row_select) == 0),
            self.slab.ready.eq(~held | (advance & slab_done)),
        ]
        with m.If(held & advance):
            m.d.sync += [rows_left.eq(rows_left & ~row_select), shift.eq(0), held.eq(~slab_done)]
        with m.If(self.slab.valid & self.slab.ready):
            m.d.sync += [
                held.eq(1),
                bits.eq(incoming.bits),
                rows_left.eq(Cat(incoming.bits[row].any() for row in range(rows))),
                base.eq(group_base + slab_base),
                shift.eq(incoming.new_plane if self.doubles else 0),
                last.eq(incoming.last),
            ]

        # One cycle later the weights are there.
        valid = Signal()
        gates = Signal(neurons, reset_less=True)
        doubles = Signal()
        ends = Signal()
        address = Signal(index_shape(words))
        m.d.comb += address.eq(base + encode(row_select))
        weights = self._weights(m, address, advance)
        with m.If(advance):
            m.d.sync += [
                valid.eq(held),
                gates.eq(pick(row_select, [bits[row] for row in range(rows)])),
                doubles.eq(shift),
                ends.eq(last & slab_done),
            ]
        subtracts = self._subtracts(m, advance) if self.signed_trains else None
        m.submodules.sums = sums = Queue(self.sums_layout, DIRECT_SUM_QUEUE_DEPTH)
        result = Signal(self.sums_layout, reset_less=True)
        result_valid = Signal()
        adds = Signal()
        first = Signal(init=1)
        m.d.comb += [
            advance.eq(~(valid & ends & result_valid & ~sums.input.ready)),
            adds.eq(valid & advance),
            self.accumulating.eq(Mux(adds, gates, 0)),
            sums.input.payload.eq(result),
            sums.input.valid.eq(result_valid),
        ]
        wiring.connect(m, sums.output, wiring.flipped(self.sums))
        with m.If(sums.input.ready):
            m.d.sync += result_valid.eq(0)
        with m.If(adds):
            m.d.sync += first.eq(ends)
            with m.If(ends):
                m.d.sync += result_valid.eq(1)
        for neuron in range(neurons):
            accumulator = Signal(self.sum_shape, name=f"accumulator_{neuron}", reset_less=True)
            before = Signal(self.sum_shape, name=f"before_{neuron}")
            total = Signal(self.sum_shape, name=f"total_{neuron}")
            added = Mux(gates[neuron], weights[neuron], 0)
            m.d.comb += [
                before.eq(Mux(first, 0, Mux(doubles, accumulator << 1, accumulator))),
                total.eq(
                    before + added
                    if subtracts is None
                    else add_or_subtract(before, added, subtracts)
                ),
            ]
            with m.If(adds):
                m.d.sync += accumulator.eq(total)
                with m.If(ends):
                    m.d.sync += result[neuron].eq(total)
        return m

    def _subtracts(self, m: Module, advance: Signal) -> Signal:
        """Whether what is added in a cycle is of its unit's first plane."""
        incoming = self.slab.payload
        in_first_plane = Signal(init=1)
        negative = Signal()
        subtracts = Signal()
        of_first_plane = in_first_plane & ~incoming.new_plane
        with m.If(self.slab.valid & self.slab.ready):
            m.d.sync += [
                in_first_plane.eq(incoming.last | of_first_plane),
                negative.eq(of_first_plane),
            ]
        with m.If(advance):
            m.d.sync += subtracts.eq(negative)
        return subtracts

    def _weights(self, m: Module, address: Signal, enable: Signal) -> data.View:
        """The weight word at ``address``, a cycle later."""
        words = self.blocks.reshape(-1, self.blocks.shape[-1])
        if len(words) > CONSTANT_WORDS:
            shape = weight_memory(len(words), self.weight_layout.size, self.weight_memory)
            m.submodules.weights = storage = memory.Memory(
                shape=unsigned(shape.width),
                depth=shape.words,
                init=packed_words(words, self.weight_layout.elem_shape.width),
                attrs=shape.attributes,
            )
            read = storage.read_port()
            m.d.comb += [read.addr.eq(address), read.en.eq(enable)]
            return self.weight_layout(read.data)
        word = Signal(self.weight_layout, name="weight_word", reset_less=True)
        shape = self.weight_layout.elem_shape
        for neuron in range(words.shape[1]):
            values = [int(value) for value in words[:, neuron]]
            constant = lookup(m, address, values, name=f"weight_{neuron}", shape=shape)
            with m.If(enable):
                m.d.sync += word[neuron].eq(constant)
        return word
