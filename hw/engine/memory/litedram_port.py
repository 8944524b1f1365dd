"""LiteDRAM port: a memory port of the engine on a native port of a LiteDRAM core."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....golden.errors import RheobaseError
from ...basics.checks import check_range
from ...basics.queue import Queue
from ...basics.shapes import count_shape
from ...design.queues import QueueDesign
from ...memories.ram_queue import built_queue
from ..design import WORD_BITS
from ..memory_port import BURST_WORDS, CommandLayout, MemoryPort

#: Widths of a native port that a word is made of.
NATIVE_BITS = (16, 32)
#: Native words that wait for their write command.
_WRITES = 16
#: Words that are read and not taken: as many as a burst has, so that none is held up.
READ_QUEUE = QueueDesign(BURST_WORDS, blocks=True)


class NativePort(wiring.Signature):
    """A native port of LiteDRAM, by its own names.

    A command is one word of ``data_bits``. The core takes the data of a write command some cycles
    later, whether they are there or not, and gives those of a read command without waiting.

    Members:
        cmd_valid, cmd_we, cmd_addr: out; a command; the address counts words of ``data_bits``.
        cmd_ready: in; it is taken.
        wdata_valid, wdata_we, wdata_data: out; data, and which of their bytes are written.
        wdata_ready: in; they are taken.
        rdata_ready: out.
        rdata_valid, rdata_data: in; data.
    """

    def __init__(self, data_bits: int, address_bits: int):
        super().__init__(
            {
                "cmd_valid": Out(1),
                "cmd_ready": In(1),
                "cmd_we": Out(1),
                "cmd_addr": Out(address_bits),
                "wdata_valid": Out(1),
                "wdata_ready": In(1),
                "wdata_we": Out(data_bits // 8),
                "wdata_data": Out(data_bits),
                "rdata_valid": In(1),
                "rdata_ready": Out(1),
                "rdata_data": In(data_bits),
            }
        )


class LiteDramPort(wiring.Component):
    """Makes bursts of a memory port single commands of a native port.

    A write command is given when its data are waiting, a read command when there is room for its
    data. A word of 32 bits is one or two native words, the lower half first.

    Args:
        data_bits: of the native port, 16 or 32.
        address_bits: of the native port.
        queue: of words that are read and not taken.

    Members:
        port: in, memory port.
        native: out, ``NativePort``.
    """

    port: wiring.PureInterface
    native: wiring.PureInterface

    def __init__(
        self,
        data_bits: int,
        address_bits: int,
        queue: QueueDesign = READ_QUEUE,
    ):
        if data_bits not in NATIVE_BITS:
            raise RheobaseError(f"LiteDramPort: data_bits is {data_bits}, must be 16 or 32")
        check_range("LiteDramPort", "address_bits", address_bits, 1, None)
        check_range("LiteDramPort", "queue.depth", queue.depth, 2, None)
        self.parts = WORD_BITS // data_bits
        self.data_bits = data_bits
        self.queue = queue
        super().__init__(
            {"port": In(MemoryPort()), "native": Out(NativePort(data_bits, address_bits))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        port, native = self.port, self.native
        # Whether the core takes a command is known late.
        m.submodules.commands = commands = Queue(CommandLayout(), 2, reset_less=True)
        wiring.connect(m, wiring.flipped(port.commands), commands.input)
        given = commands.output
        room = self._read(m)
        waiting = self._written(m)

        # The burst under way: its next native word, and words besides.
        active = Signal()
        write = Signal()
        address = Signal.like(port.commands.payload.address, reset_less=True)
        left = Signal.like(port.commands.payload.count)
        upper = self._upper(m, "command", native.cmd_valid & native.cmd_ready)
        taken = Signal()
        m.d.comb += [
            native.cmd_we.eq(write),
            native.cmd_addr.eq(address if self.parts == 1 else Cat(upper, address)),
            native.cmd_valid.eq(active & Mux(write, waiting, room)),
            taken.eq(native.cmd_valid & native.cmd_ready & upper),
            given.ready.eq(~active | (taken & (left == 0))),
        ]
        with m.If(taken):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1)]
        with m.If(given.ready):
            command = given.payload
            m.d.sync += [
                active.eq(given.valid),
                write.eq(command.write),
                address.eq(command.address),
                left.eq(command.count),
            ]
        return m

    def _upper(self, m: Module, name: str, moves: Value) -> Value:
        """Whether the native word that ``moves`` comes to is a word's last."""
        if self.parts == 1:
            return Const(1)
        upper = Signal(name=f"{name}_upper")
        with m.If(moves):
            m.d.sync += upper.eq(~upper)
        return upper

    def _read(self, m: Module) -> Signal:
        """Take what is read. Returns whether there is room for what a command reads."""
        native, depth = self.native, self.queue.depth
        m.submodules.read = kept = built_queue(self.queue, WORD_BITS)
        # Which client takes a word comes late for a block RAM's address.
        m.submodules.leaving = leaving = Queue(WORD_BITS, 2, reset_less=True)
        wiring.connect(m, kept.output, leaving.input)
        wiring.connect(m, leaving.output, wiring.flipped(self.port.read))
        upper = self._upper(m, "read", native.rdata_valid)
        if self.parts == 1:
            word = native.rdata_data
        else:
            lower = Signal(self.data_bits, reset_less=True)
            word = Cat(lower, native.rdata_data)
            with m.If(native.rdata_valid):
                m.d.sync += lower.eq(native.rdata_data)
        # In native words: one that was asked for has its room, in the queue or on its way.
        room = Signal(count_shape(depth * self.parts), init=depth * self.parts)
        asked = native.cmd_valid & native.cmd_ready & ~native.cmd_we
        given = Mux(kept.output.valid & kept.output.ready, self.parts, 0)
        m.d.sync += room.eq(room + given - asked)
        m.d.comb += [
            native.rdata_ready.eq(1),
            kept.input.valid.eq(native.rdata_valid & upper),
            kept.input.payload.eq(word),
        ]
        return room != 0

    def _written(self, m: Module) -> Value:
        """Keep what is to be written. Returns whether a word waits for its command."""
        native, written = self.native, self.port.written
        m.submodules.written = kept = Queue(self.data_bits, _WRITES)
        upper = self._upper(m, "written", kept.input.valid & kept.input.ready)
        word = written.payload
        if self.parts > 1:
            word = Mux(upper, word[self.data_bits :], word[: self.data_bits])
        waiting = Signal(count_shape(_WRITES))
        enters = kept.input.valid & kept.input.ready
        asked = native.cmd_valid & native.cmd_ready & native.cmd_we
        m.d.sync += waiting.eq(waiting + enters - asked)
        m.d.comb += [
            kept.input.valid.eq(written.valid),
            kept.input.payload.eq(word),
            written.ready.eq(kept.input.ready & upper),
            native.wdata_valid.eq(kept.output.valid),
            native.wdata_data.eq(kept.output.payload),
            native.wdata_we.eq(Const(1).replicate(self.data_bits // 8)),
            kept.output.ready.eq(native.wdata_ready),
        ]
        return waiting != 0
