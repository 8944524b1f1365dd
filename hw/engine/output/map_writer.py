"""Numbers of a map as bursts of memory words."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
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
        # The element whose words are next, and whether they follow those of the one before.
        placed = Signal(PlacedLayout(self.design), reset_less=True)
        valid = Signal()
        follows = Signal()
        behind = Signal(ADDRESS_BITS)
        # Whether it leaves is known late.
        m.submodules.arriving = queue = Queue(PlacedLayout(self.design), 2, reset_less=True)
        wiring.connect(m, wiring.flipped(self.placed), queue.input)
        with m.If(queue.output.ready):
            arriving = queue.output.payload
            m.d.sync += [
                valid.eq(queue.output.valid),
                placed.eq(arriving),
                follows.eq(arriving.address == behind),
            ]
            with m.If(queue.output.valid & arriving.write):
                m.d.sync += behind.eq(arriving.address + self._words())
        # Of the words that F numbers take; whether it is not the first, and whether the last.
        number = Signal(range(self.design.firing))
        next_number = Signal.like(number)
        last_number = Signal.like(number)
        begun, last_word = Signal(), Signal()
        word = self._word(m, placed["values"], number)
        m.submodules.words = words = RamQueue(WORD_BITS, 2 * BURST_WORDS)
        m.submodules.commands = commands = Queue(CommandLayout(), COMMANDS_WAITING)
        m.submodules.words_leaving = words_leaving = Queue(WORD_BITS, 2, reset_less=True)
        wiring.connect(m, words.output, words_leaving.input)
        wiring.connect(m, words_leaving.output, wiring.flipped(self.port.written))
        m.d.comb += self.port.read.ready.eq(1)

        # A burst is under way until a word comes that does not follow it.
        start = Signal(ADDRESS_BITS)
        count = Signal(range(BURST_WORDS + 1))
        none, full = Signal(init=1), Signal()
        space = Signal()
        joins, enters, leaves, flushes, ending = (
            Signal(name=name) for name in ("joins", "enters", "leaves", "flushes", "ending")
        )
        address = Signal(ADDRESS_BITS)
        m.d.comb += [
            address.eq(placed.address + number),
            # The words of an element follow one another.
            joins.eq(none | ((begun | follows) & ~full)),
            # A word enters where it joins the burst, which else leaves first.
            enters.eq(valid & placed.write & ~ending & joins & space),
            flushes.eq(~none & (ending | (valid & placed.write & ~joins))),
            words.input.payload.eq(word),
            words.input.valid.eq(enters),
            leaves.eq(~ending & ((enters & last_word) | (valid & ~placed.write))),
            queue.output.ready.eq(~valid | leaves),
            commands.input.valid.eq(flushes),
            commands.input.payload.address.eq(start),
            commands.input.payload.count.eq(count - 1),
            commands.input.payload.write.eq(1),
        ]
        m.d.comb += next_number.eq(number)
        m.d.sync += [
            number.eq(next_number),
            begun.eq(next_number != 0),
            last_number.eq(self._words() - 1),
            last_word.eq(next_number == last_number),
        ]
        with m.If(enters):
            m.d.sync += [count.eq(count + 1), none.eq(0), full.eq(count == BURST_WORDS - 1)]
            m.d.comb += next_number.eq(Mux(last_word, 0, number + 1))
            with m.If(none):
                m.d.sync += start.eq(address)
        with m.Elif(flushes & commands.input.ready):
            m.d.sync += [count.eq(0), none.eq(1), full.eq(0)]
        with m.If(leaves & placed.pass_ends):
            m.d.sync += ending.eq(1)

        waiting = Signal(range(2 * BURST_WORDS + 1))
        m.d.sync += [
            waiting.eq(waiting + enters - (words.output.valid & words.output.ready)),
            # Out of a register; one more may enter before a place that is taken counts.
            space.eq(waiting < 2 * BURST_WORDS - 1),
        ]
        draining = Signal()
        with m.If(~commands.input.ready | (waiting >= BURST_WORDS) | ending):
            m.d.sync += draining.eq(1)
        with m.Elif(~commands.output.valid):
            m.d.sync += draining.eq(0)
        m.submodules.leaving = leaving = Queue(CommandLayout(), 2)
        wiring.connect(m, leaving.output, wiring.flipped(self.port.commands))
        m.d.comb += [
            leaving.input.valid.eq(commands.output.valid & draining),
            leaving.input.payload.eq(commands.output.payload),
            commands.output.ready.eq(leaving.input.ready & draining),
        ]
        empty, settled = Signal(), Signal()
        m.d.comb += [
            empty.eq(
                none
                & ~commands.output.valid
                & ~leaving.output.valid
                & ~words.output.valid
                & ~words_leaving.output.valid
            ),
            self.finished.eq(ending & empty & settled),
        ]
        # What enters a queue is offered behind it some cycles later.
        m.d.sync += settled.eq(ending & empty & ~self.finished)
        with m.If(self.finished):
            m.d.sync += ending.eq(0)
        return m

    def _words(self) -> Value:
        """Words that F numbers take."""
        firing = self.design.firing
        per_byte_word = WORD_BITS // (2 * DIGIT_BITS)
        kind = self.header.kind
        return Mux(kind == Kind.DIGITS, 1, Mux(kind == Kind.BYTES, firing // per_byte_word, firing))

    def _word(self, m: Module, values, number: Signal) -> Signal:
        """The word that is next of ``values``."""
        firing = self.design.firing
        word = Signal(WORD_BITS)
        per_byte_word = WORD_BITS // (2 * DIGIT_BITS)
        with m.Switch(self.header.kind):
            with m.Case(Kind.DIGITS):
                for place in range(firing):
                    m.d.comb += word.word_select(place, DIGIT_BITS).eq(values[place])
            with m.Case(Kind.BYTES), m.Switch(number):
                for part in range(firing // per_byte_word):
                    with m.Case(part):
                        for place in range(per_byte_word):
                            m.d.comb += word.word_select(place, 2 * DIGIT_BITS).eq(
                                values[part * per_byte_word + place]
                            )
            with m.Default(), m.Switch(number):
                for place in range(firing):
                    with m.Case(place):
                        m.d.comb += word.eq(values[place])
        return word
