"""PortGuard: whatever an engine asks for, its writes stay between base and end of its maps."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Assume

from rheobase.hw.engine.memory.port_guard import PortGuard
from rheobase.sim.prove import Checker

#: Words that are counted.
_MOST = 255


class PortGuardChecker(Checker):
    component: PortGuard

    def state(self, m: Module) -> None:
        guard = self.component
        memory, host = guard.memory, guard.host
        low = self.constant(len(guard.low), "low_held")
        limit = self.constant(len(guard.limit), "limit_held")
        self.assume_stream(m, guard.engine.commands, "engine_commands")
        self.assume_stream(m, guard.engine.written, "engine_written")
        self.assume_stream(m, memory.read, "memory_read")
        self.check_stream(m, memory.commands, "memory_commands")
        m.d.comb += [
            Assume((guard.low == low) & (guard.limit == limit)),
            # The host asks while it has the memory, and keeps it for that long.
            Assume(~host.commands.valid | (guard.held & guard.pause)),
            Assume(~guard.drain | guard.pause),
        ]
        command = memory.commands.payload
        end = command.address + command.count
        self.check(
            m,
            "engine_writes_inside",
            ~(memory.commands.valid & command.write & ~guard.held)
            | ((command.address >= low) & (end < limit)),
        )
        leaves = memory.commands.valid & memory.commands.ready
        written = memory.written.valid & memory.written.ready
        read = memory.read.valid & memory.read.ready
        owed = Signal(range(_MOST + 1))
        awaited = Signal.like(owed)
        m.d.sync += [
            owed.eq(owed + Mux(leaves & command.write, command.count + 1, 0) - written),
            awaited.eq(awaited + Mux(leaves & ~command.write, command.count + 1, 0) - read),
        ]
        m.d.comb += [Assume(command.count < 2), Assume(~memory.read.valid | (awaited != 0))]
        self.check(m, "no_word_without_a_write", ~memory.written.valid | (owed != 0))
        # It changes hands while nothing is under way.
        before = Signal()
        begun = Signal()
        m.d.sync += [before.eq(guard.held), begun.eq(1)]
        self.check(
            m,
            "handed_over_at_rest",
            ~begun | (guard.held == before) | ((owed == 0) & (awaited == 0)),
        )
