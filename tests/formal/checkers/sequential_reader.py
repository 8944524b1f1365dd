"""SequentialReader: its range, in order, and nothing from before a restart."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Assume

from rheobase.hw.engine.memory.sequential_reader import SequentialReader
from rheobase.sim.prove import Checker

#: Words that are counted.
_MOST = 63


class SequentialReaderChecker(Checker):
    component: SequentialReader

    def state(self, m: Module) -> None:
        reader = self.component
        port, output = reader.port, reader.output
        base = self.constant(len(reader.base), "base_held")
        words = self.constant(len(reader.words), "words_held")
        m.d.comb += [
            Assume((reader.base == base) & (reader.words == words)),
            Assume((words != 0) & (words < 8) & (base < 8)),
        ]
        self.assume_stream(m, port.read, "read")
        self.check_stream(m, port.commands, "commands")
        command = port.commands.payload
        asks = Signal()
        comes = Signal()
        gives = Signal()
        owed = Signal(range(_MOST + 1))
        m.d.comb += [
            asks.eq(port.commands.valid & port.commands.ready),
            comes.eq(port.read.valid & port.read.ready),
            gives.eq(output.valid & output.ready),
            Assume(~port.read.valid | (owed != 0)),
        ]
        m.d.sync += owed.eq(owed + Mux(asks, command.count + 1, 0) - comes)
        # There is room for all that was asked for.
        self.check(m, "never_holds_up_the_port", ~port.read.valid | port.read.ready)
        self.check(m, "reads_only", ~command.write)

        # Where the next command of this round begins. A command that is offered up to the cycle
        # behind a restart is still of the round before, and so are all words that are owed then.
        started = Signal()
        place = Signal(len(reader.words))
        restarted = Signal()
        waits = Signal()
        old_offer = Signal()
        old_words = Signal.like(owed)
        fresh = Signal()
        m.d.sync += restarted.eq(reader.restart)
        m.d.comb += [
            old_offer.eq(waits | (restarted & port.commands.valid)),
            fresh.eq(port.commands.valid & ~old_offer),
        ]
        end = place + command.count + 1
        self.check(m, "starts_first", started | ~port.commands.valid)
        self.check(m, "follows", ~fresh | (command.address == (base + place)[: len(base)]))
        self.check(m, "within", ~fresh | (end <= words))
        with m.If(asks & ~old_offer):
            m.d.sync += place.eq(Mux((end == words) & bool(reader.repeats), 0, end))
        m.d.sync += waits.eq(old_offer & ~asks)
        with m.If(comes & (old_words != 0)):
            m.d.sync += old_words.eq(old_words - 1)
        with m.If(asks & old_offer):
            m.d.sync += old_words.eq(old_words + command.count + 1 - (comes & (old_words != 0)))

        # One word of this round, whichever comes in: it is given in its turn.
        mark = self.choice(1, "mark")
        marked = Signal()
        value = Signal.like(output.payload)
        came = Signal.like(owed)
        given = Signal.like(owed)
        number = Signal.like(owed)
        new = Signal()
        m.d.comb += new.eq(comes & (old_words == 0) & ~old_offer)
        m.d.sync += [came.eq(came + new), given.eq(given + gives)]
        with m.If(mark & new & ~marked):
            m.d.sync += [marked.eq(1), value.eq(port.read.payload), number.eq(came)]
        self.check(m, "gives_what_came", ~output.valid | (given < came))
        self.check(
            m,
            "in_order_and_unchanged",
            ~(marked & output.valid & (given == number)) | (output.payload == value),
        )
        with m.If(reader.restart):
            m.d.sync += [
                started.eq(1),
                place.eq(0),
                waits.eq(port.commands.valid & ~asks),
                old_words.eq(owed + Mux(asks, command.count + 1, 0) - comes),
                marked.eq(0),
                came.eq(0),
                given.eq(0),
            ]
