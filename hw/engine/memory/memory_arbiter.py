"""Memory arbiter: one memory port for several clients."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.checks import check_range
from ...basics.queue import Queue
from ...basics.select import encode, lowest
from ...basics.shapes import index_shape
from ..memory_port import BURST_WORDS, CommandLayout, MemoryPort

#: Commands whose words have not all come or gone yet.
UNDER_WAY = 16
#: Words after which a client gives way to the others: a memory that turns to another row, or from
#: reading to writing, loses cycles each time.
TURN_WORDS = BURST_WORDS
#: Cycles in which nobody else wants anything before the background has its turn: clients that ask
#: for a few words at a time have no command in between.
QUIET_CYCLES = 7


class MemoryArbiter(wiring.Component):
    """Grants commands of clients in turn, and brings each its words.

    Commands reach the memory in the order of their grants. A client goes on until it has had
    ``TURN_WORDS`` words or has no command; then others that have one are next. Words that are read
    go to the client that asked for them; one that does not take them holds up all others, so that a
    client asks only for what it has room for. A client of ``writers`` has its words ready behind
    its write commands, without waiting for another client; the others do not write. Clients of
    ``background`` are granted commands where no other has one.

    Args:
        clients: number of clients.
        writers: indices of those that write.
        background: indices of those that all others come before.

    Members:
        clients: in, memory ports.
        port: out, memory port.
    """

    clients: list[wiring.PureInterface]
    port: wiring.PureInterface

    def __init__(self, clients: int, writers: Sequence[int], background: Sequence[int] = ()):
        self.count = check_range("MemoryArbiter", "clients", clients, 1, None)
        self.writers = tuple(
            check_range("MemoryArbiter", "writers", writer, 0, clients - 1) for writer in writers
        )
        self.background = tuple(
            check_range("MemoryArbiter", "background", client, 0, clients - 1)
            for client in background
        )
        self.part_layout = data.StructLayout(
            {"client": index_shape(clients), "count": index_shape(BURST_WORDS)}
        )
        super().__init__({"clients": In(MemoryPort()).array(clients), "port": Out(MemoryPort())})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.commands = commands = Queue(CommandLayout(), 2, reset_less=True)
        m.submodules.reads = reads = Queue(self.part_layout, UNDER_WAY)
        wiring.connect(m, commands.output, wiring.flipped(self.port.commands))
        routed = len(self.writers) > 1
        if routed:
            m.submodules.writes = writes = Queue(self.part_layout, UNDER_WAY)

        writing = Signal(self.count)
        wanted = Signal(self.count)
        for index, client in enumerate(self.clients):
            command = client.commands
            room = reads.input.ready
            if index in self.writers:
                m.d.comb += writing[index].eq(command.payload.write)
                room = Mux(writing[index], writes.input.ready if routed else 1, room)
            m.d.comb += wanted[index].eq(command.valid & room)

        chosen, choice = self._chosen(m, wanted, commands.input)
        write = (chosen & writing).any()
        part = Signal(self.part_layout)
        granted = Signal()
        m.d.comb += [
            granted.eq(commands.input.ready & choice),
            commands.input.valid.eq(choice),
            commands.input.payload.write.eq(write),
            part.client.eq(encode(chosen)),
            part.count.eq(commands.input.payload.count),
            reads.input.valid.eq(granted & ~write),
            reads.input.payload.eq(part),
        ]
        with m.Switch(part.client):
            for index, client in enumerate(self.clients):
                payload = client.commands.payload
                with m.Case(index):
                    m.d.comb += [
                        commands.input.payload.address.eq(payload.address),
                        commands.input.payload.count.eq(payload.count),
                    ]
                m.d.comb += client.commands.ready.eq(chosen[index] & commands.input.ready)
        self._route_reads(m, reads.output)
        if routed:
            m.d.comb += [writes.input.valid.eq(granted & write), writes.input.payload.eq(part)]
            self._route_writes(m, writes.output)
        elif self.writers:
            (writer,) = self.writers
            wiring.connect(
                m, wiring.flipped(self.clients[writer].written), wiring.flipped(self.port.written)
            )
        return m

    def _chosen(self, m: Module, wanted: Value, taken: stream.Interface) -> tuple[Signal, Signal]:
        """One-hot: whose command is next; and whether there is one. Registers, as it comes late.

        What is wanted stays so until it is taken.
        """
        best, chosen, choice = Signal(self.count), Signal(self.count), Signal()
        last = Signal(self.count, init=1 << (self.count - 1))
        # Words of its turn that the client of the last command has left, or none.
        left = Signal(range(TURN_WORDS))
        rest = Signal(signed(len(left) + 1))
        stays, stayed = Signal(), Signal()
        count = taken.payload.count
        asking = Signal(self.count)
        m.d.comb += asking.eq(wanted)
        if self.background:
            foreground = wanted & ~sum(1 << client for client in self.background)
            # Cycles that all others have wanted nothing.
            quiet = Signal(range(QUIET_CYCLES + 1))
            with m.If(foreground.any()):
                m.d.sync += quiet.eq(0)
            with m.Elif(quiet != QUIET_CYCLES):
                m.d.sync += quiet.eq(quiet + 1)
            with m.If(foreground.any() | (quiet != QUIET_CYCLES)):
                m.d.comb += asking.eq(foreground)
        behind = Cat(last[:index].any() for index in range(self.count)) & asking
        m.d.comb += [
            stays.eq((last & asking).any() & (left != 0)),
            best.eq(Mux(stays, last, Mux(behind.any(), lowest(behind), lowest(asking)))),
            rest.eq(Mux(stayed, left, TURN_WORDS) - count - 1),
        ]
        with m.If(~choice):
            m.d.sync += [chosen.eq(best), stayed.eq(stays), choice.eq(asking.any())]
        with m.Elif(taken.ready):
            m.d.sync += [
                choice.eq(0),
                chosen.eq(0),
                last.eq(chosen),
                left.eq(Mux(rest < 0, 0, rest)),
            ]
        return chosen, choice

    def _words(self, m: Module, name: str, parts, moves: Value) -> None:
        """Take the next of ``parts`` when ``moves`` has counted all its words."""
        taken = Signal(index_shape(BURST_WORDS), name=f"{name}_taken")
        last = taken == parts.payload.count
        m.d.comb += parts.ready.eq(moves & last)
        with m.If(moves):
            m.d.sync += taken.eq(Mux(last, 0, taken + 1))

    def _route_reads(self, m: Module, parts) -> None:
        read = self.port.read
        ready = Signal(self.count)
        for index, client in enumerate(self.clients):
            mine = parts.valid & (parts.payload.client == index)
            m.d.comb += [
                client.read.payload.eq(read.payload),
                client.read.valid.eq(read.valid & mine),
                ready[index].eq(client.read.ready & mine),
            ]
        m.d.comb += read.ready.eq(ready.any())
        self._words(m, "read", parts, read.valid & read.ready)

    def _route_writes(self, m: Module, parts) -> None:
        written = self.port.written
        offers = Signal(self.count)
        for index in self.writers:
            client = self.clients[index]
            mine = parts.valid & (parts.payload.client == index)
            m.d.comb += [
                offers[index].eq(client.written.valid & mine),
                client.written.ready.eq(written.ready & mine),
            ]
        words = Array(client.written.payload for client in self.clients)
        m.d.comb += [
            written.valid.eq(offers.any()),
            written.payload.eq(words[parts.payload.client]),
        ]
        self._words(m, "written", parts, written.valid & written.ready)
