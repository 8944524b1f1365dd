"""MemoryArbiter: commands leave in the order of their grants, what is read goes to who asked."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Assume

from rheobase.hw.engine.memory.memory_arbiter import MemoryArbiter
from rheobase.sim.prove import Checker

#: Words of a command at most, and words and commands under way that are counted.
WORDS, UNDER_WAY = 2, 63


class MemoryArbiterChecker(Checker):
    component: MemoryArbiter

    def state(self, m: Module) -> None:
        arbiter = self.component
        port = arbiter.port
        granted = Signal()
        command = Signal.like(port.commands.payload)
        chosen = Signal(arbiter.count)
        for index, client in enumerate(arbiter.clients):
            self.assume_stream(m, client.commands, f"commands_{index}")
            self.assume_stream(m, client.written, f"written_{index}")
            self.check_stream(m, client.read, f"read_{index}")
            payload = client.commands.payload
            m.d.comb += [
                Assume(payload.count < WORDS),
                chosen[index].eq(client.commands.valid & client.commands.ready),
            ]
            with m.If(chosen[index]):
                m.d.comb += [
                    granted.eq(1),
                    command.eq(payload),
                    command.write.eq(payload.write if index in arbiter.writers else 0),
                ]
        self.assume_stream(m, port.read, "read")
        self.check_stream(m, port.commands, "commands")
        self.check(m, "one_at_a_time", (chosen & (chosen - 1)) == 0)

        leaves = Signal()
        comes = Signal()
        # Words that the memory owes, and those that it does once all commands have left.
        owed = Signal(range(UNDER_WAY + 1))
        asked = Signal.like(owed)
        inside = Signal.like(owed)
        m.d.comb += [
            leaves.eq(port.commands.valid & port.commands.ready),
            comes.eq(port.read.valid & port.read.ready),
            Assume(~port.read.valid | (owed != 0)),
        ]
        left = port.commands.payload
        m.d.sync += [
            owed.eq(owed + Mux(leaves & ~left.write, left.count + 1, 0) - comes),
            asked.eq(asked + Mux(granted & ~command.write, command.count + 1, 0) - comes),
            inside.eq(inside + granted - leaves),
        ]

        # One command, whichever: how many leave before it, how many words come before its own.
        mark = self.choice(1, "mark")
        marked = Signal()
        followed = Signal.like(command)
        who = Signal(arbiter.count)
        commands_ahead = Signal.like(inside)
        with m.If(mark & granted & ~marked):
            m.d.sync += [
                marked.eq(1),
                followed.eq(command),
                who.eq(chosen),
                commands_ahead.eq(inside - leaves),
            ]
        is_next = Signal()
        waits = Signal()
        m.d.comb += is_next.eq(waits & (commands_ahead == 0))
        with m.If(mark & granted & ~marked):
            m.d.sync += waits.eq(1)
        with m.Elif(waits & leaves):
            m.d.sync += [commands_ahead.eq(commands_ahead - 1), waits.eq(commands_ahead != 0)]
        self.check(
            m,
            "commands_in_order",
            ~is_next | (port.commands.valid & (left == followed)),
        )

        words_ahead = Signal.like(asked)
        words_own = Signal(range(WORDS + 1))
        with m.If(mark & granted & ~marked):
            m.d.sync += [
                words_ahead.eq(asked - comes),
                words_own.eq(Mux(command.write, 0, command.count + 1)),
            ]
        with m.Elif(comes & (words_ahead != 0)):
            m.d.sync += words_ahead.eq(words_ahead - 1)
        with m.Elif(comes & (words_own != 0)):
            m.d.sync += words_own.eq(words_own - 1)
        mine = (words_ahead == 0) & (words_own != 0)
        for index, client in enumerate(arbiter.clients):
            self.check(m, f"words_unchanged_{index}", client.read.payload == port.read.payload)
            self.check(
                m,
                f"words_to_who_asked_{index}",
                ~(mine & port.read.valid) | (client.read.valid == who[index]),
            )
        self.check(m, "nothing_without_asking", ~port.read.valid | (asked != 0))
