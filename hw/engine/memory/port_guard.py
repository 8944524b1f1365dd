"""Port guard: what an engine may do with its memory, whatever its program says."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ...basics.shapes import count_shape
from ..memory_port import BURST_WORDS, CommandLayout, MemoryPort
from ..program import ADDRESS_BITS
from .memory_arbiter import UNDER_WAY


class PortGuard(wiring.Component):
    """Lends the memory to an engine or to the host, and keeps the engine's writes in their place.

    All that an engine writes goes through here. A burst that is not whole within the words from
    ``low`` on, below ``limit``, does not reach the memory: its words are dropped. Both stand still
    while the engine may use the memory.

    The engine can be held at any time: no command of it is taken while ``pause`` is high, and
    ``held`` says that all it had asked for is done. ``drain`` gets there without the engine's help:
    what was read for it is dropped, and words that it still owes are what stands at its port.

    Members:
        engine, host: in, memory ports; the host asks only while ``held``, and holds the engine
            until its words have come and gone.
        memory: out, memory port.
        low, limit: in; words that the engine may write.
        pause, drain: in; ``drain`` with ``pause``.
        held: out; the memory is the host's.
        refused: out; for one cycle, a burst of the engine is dropped.
        outside: out; for one cycle, the host writes a burst that an engine may not.
    """

    engine: wiring.PureInterface
    host: wiring.PureInterface
    memory: wiring.PureInterface
    low: Signal
    limit: Signal
    pause: Signal
    drain: Signal
    held: Signal
    refused: Signal
    outside: Signal

    def __init__(self):
        self.checked_layout = data.StructLayout({"command": CommandLayout(), "outside": 1})
        self.part_layout = data.StructLayout(
            {"count": CommandLayout()["count"].width, "dropped": 1}
        )
        super().__init__(
            {
                "engine": In(MemoryPort()),
                "host": In(MemoryPort()),
                "memory": Out(MemoryPort()),
                "low": In(ADDRESS_BITS),
                "limit": In(ADDRESS_BITS),
                "pause": In(1),
                "drain": In(1),
                "held": Out(1),
                "refused": Out(1),
                "outside": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.checked = checked = Queue(self.checked_layout, 2)
        m.submodules.parts = parts = Queue(self.part_layout, UNDER_WAY)
        self._check(m, checked)

        command = checked.output.payload.command
        dropped = Signal()
        passes = Signal()
        reads, writes = Signal(), Signal()
        m.d.comb += [
            dropped.eq(command.write & checked.output.payload.outside & ~self.held),
            # A write leaves when its words' way is noted; one that is dropped goes no further.
            passes.eq(checked.output.valid & (~command.write | parts.input.ready)),
            self.memory.commands.valid.eq(passes & ~dropped),
            self.memory.commands.payload.eq(command),
            checked.output.ready.eq(
                (~command.write | parts.input.ready) & (dropped | self.memory.commands.ready)
            ),
            reads.eq(checked.output.valid & checked.output.ready & ~command.write),
            writes.eq(checked.output.valid & checked.output.ready & command.write),
            parts.input.valid.eq(writes),
            parts.input.payload.count.eq(command.count),
            parts.input.payload.dropped.eq(dropped),
            self.refused.eq(writes & dropped),
            self.outside.eq(writes & checked.output.payload.outside & self.held),
        ]
        self._words(m, parts)
        self._hold(m, checked, reads, writes, parts)
        return m

    def _check(self, m: Module, checked: Queue) -> None:
        """The next command, and whether an engine may not write there."""
        given = checked.input.payload
        engine, host = self.engine.commands, self.host.commands
        last = Signal(ADDRESS_BITS + 1)
        m.d.comb += [
            given.command.eq(Mux(self.held, host.payload.as_value(), engine.payload.as_value())),
            last.eq(given.command.address + given.command.count),
            given.outside.eq((given.command.address < self.low) | (last >= self.limit)),
            checked.input.valid.eq(Mux(self.held, host.valid, engine.valid & ~self.pause)),
            host.ready.eq(checked.input.ready & self.held),
            engine.ready.eq(checked.input.ready & ~self.held & ~self.pause),
        ]

    def _words(self, m: Module, parts: Queue) -> None:
        """Words of writes, to the memory or away, and those that were read."""
        engine, host, memory = self.engine, self.host, self.memory
        part = parts.output.payload
        given = Signal(range(BURST_WORDS))
        offered, moves = Signal(), Signal()
        m.d.comb += [
            offered.eq(
                parts.output.valid
                & Mux(self.held, host.written.valid, engine.written.valid | self.drain)
            ),
            moves.eq(offered & (part.dropped | memory.written.ready)),
            memory.written.valid.eq(offered & ~part.dropped),
            memory.written.payload.eq(Mux(self.held, host.written.payload, engine.written.payload)),
            host.written.ready.eq(moves & self.held),
            engine.written.ready.eq(moves & ~self.held & ~self.drain),
            parts.output.ready.eq(moves & (given == part.count)),
            host.read.payload.eq(memory.read.payload),
            engine.read.payload.eq(memory.read.payload),
            host.read.valid.eq(memory.read.valid & self.held),
            engine.read.valid.eq(memory.read.valid & ~self.held & ~self.drain),
            memory.read.ready.eq(Mux(self.held, host.read.ready, engine.read.ready | self.drain)),
        ]
        with m.If(moves):
            m.d.sync += given.eq(Mux(parts.output.ready, 0, given + 1))

    def _hold(self, m: Module, checked: Queue, reads: Signal, writes: Signal, parts: Queue) -> None:
        """Whose the memory is; it changes hands while nothing is under way."""
        memory = self.memory
        awaited = Signal(count_shape(UNDER_WAY * BURST_WORDS))
        owed = Signal(count_shape(UNDER_WAY + 2))
        asked = Mux(reads, checked.output.payload.command.count + 1, 0)
        m.d.sync += [
            awaited.eq(awaited + asked - (memory.read.valid & memory.read.ready)),
            owed.eq(owed + writes - (parts.output.valid & parts.output.ready)),
        ]
        with m.If(~checked.output.valid & (awaited == 0) & (owed == 0) & ~checked.input.valid):
            m.d.sync += self.held.eq(self.pause)
