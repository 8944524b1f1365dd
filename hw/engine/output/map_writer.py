"""Numbers of a map as bursts of memory words."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ...memories.ram_queue import RamQueue
from ..design import DIGIT_BITS, WORD_BITS, EngineDesign
from ..memory_port import BURST_WORDS, CommandLayout, MemoryPort
from ..program import ADDRESS_BITS, Kind, pass_record
from ..record_layouts import record_layout
from .placed import PlacedLayout

#: Commands that wait for one another.
COMMANDS_WAITING = 16


class MapWriter(wiring.Component):
    """Packs F numbers into words and joins words that follow one another into bursts.

    A command is given once the words that it writes wait behind it, and not until there are many
    of either: a memory loses cycles each time it turns from reading to writing, or to another row.

    Members:
        header: in; the pass.
        placed: in, stream of ``PlacedLayout``.
        port: out; commands that write.
        finished: out; for one cycle, once all that was written up to the end of a pass has left.
    """

    placed: stream.Interface
    finished: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        self.header_layout = record_layout(pass_record(design))
        super().__init__(
            {
                "header": In(self.header_layout),
                "placed": In(stream.Signature(PlacedLayout(design))),
                "port": Out(MemoryPort()),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        placed = self.placed.payload
        # Of the words that F numbers take.
        number = Signal(range(self.design.firing))
        word, last_word = self._word(m, number)
        m.submodules.words = words = RamQueue(WORD_BITS, 2 * BURST_WORDS)
        m.submodules.commands = commands = Queue(CommandLayout(), COMMANDS_WAITING)
        wiring.connect(m, words.output, wiring.flipped(self.port.written))
        m.d.comb += self.port.read.ready.eq(1)

        # A burst is under way until a word comes that does not follow it.
        start = Signal(ADDRESS_BITS)
        following = Signal(ADDRESS_BITS)
        count = Signal(range(BURST_WORDS + 1))
        joins, enters, flushes, ending = Signal(), Signal(), Signal(), Signal()
        address = Signal(ADDRESS_BITS)
        m.d.comb += [
            address.eq(placed.address + number),
            joins.eq((count == 0) | ((address == following) & (count != BURST_WORDS))),
            # A word enters where it joins the burst, which else leaves first.
            enters.eq(self.placed.valid & placed.write & ~ending & joins & words.input.ready),
            flushes.eq((count != 0) & (ending | (self.placed.valid & placed.write & ~joins))),
            words.input.payload.eq(word),
            words.input.valid.eq(enters),
            self.placed.ready.eq(
                ~ending & ((enters & last_word) | (self.placed.valid & ~placed.write))
            ),
            commands.input.valid.eq(flushes),
            commands.input.payload.address.eq(start),
            commands.input.payload.count.eq(count - 1),
            commands.input.payload.write.eq(1),
        ]
        with m.If(enters):
            m.d.sync += [count.eq(count + 1), following.eq(address + 1)]
            m.d.sync += number.eq(number + 1)
            with m.If(last_word):
                m.d.sync += number.eq(0)
            with m.If(count == 0):
                m.d.sync += start.eq(address)
        with m.Elif(flushes & commands.input.ready):
            m.d.sync += count.eq(0)
        with m.If(self.placed.valid & self.placed.ready & placed.pass_ends):
            m.d.sync += ending.eq(1)

        waiting = Signal(range(2 * BURST_WORDS + 1))
        m.d.sync += waiting.eq(waiting + enters - (words.output.valid & words.output.ready))
        draining = Signal()
        with m.If(~commands.input.ready | (waiting >= BURST_WORDS) | ending):
            m.d.sync += draining.eq(1)
        with m.Elif(~commands.output.valid):
            m.d.sync += draining.eq(0)
        m.d.comb += [
            self.port.commands.valid.eq(commands.output.valid & draining),
            self.port.commands.payload.eq(commands.output.payload),
            commands.output.ready.eq(self.port.commands.ready & draining),
        ]
        empty, settled = Signal(), Signal()
        m.d.comb += [
            empty.eq((count == 0) & ~commands.output.valid & ~words.output.valid),
            self.finished.eq(ending & empty & settled),
        ]
        # What enters a queue is offered behind it some cycles later.
        m.d.sync += settled.eq(ending & empty & ~self.finished)
        with m.If(self.finished):
            m.d.sync += ending.eq(0)
        return m

    def _word(self, m: Module, number: Signal) -> tuple[Signal, Signal]:
        """The word that is next of what is placed, and whether it is the last."""
        values = self.placed.payload["values"]
        firing = self.design.firing
        word, last = Signal(WORD_BITS), Signal(name="last_word")
        per_byte_word = WORD_BITS // (2 * DIGIT_BITS)
        with m.Switch(self.header.kind):
            with m.Case(Kind.DIGITS):
                for place in range(firing):
                    m.d.comb += word.word_select(place, DIGIT_BITS).eq(values[place])
                m.d.comb += last.eq(1)
            with m.Case(Kind.BYTES):
                with m.Switch(number):
                    for part in range(firing // per_byte_word):
                        with m.Case(part):
                            for place in range(per_byte_word):
                                m.d.comb += word.word_select(place, 2 * DIGIT_BITS).eq(
                                    values[part * per_byte_word + place]
                                )
                m.d.comb += last.eq(number == firing // per_byte_word - 1)
            with m.Default():
                with m.Switch(number):
                    for place in range(firing):
                        with m.Case(place):
                            m.d.comb += word.eq(values[place])
                m.d.comb += last.eq(number == firing - 1)
        return word, last
