"""EventScanner: the set bits of each word, in order, each with the shift that leads to it."""

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.hdl import Assume

from rheobase.hw.lanes.event_scanner import EventScanner
from rheobase.sim.prove import Checker
from tests.formal.checkers.words_inside import follow_words

#: Words under way at most; cycles from a word's coming to its first event.
INSIDE, OLD = 3, 3


class EventScannerChecker(Checker):
    """Keeps the words under way as they came and says of each what its next event must be."""

    component: EventScanner

    def state(self, m: Module) -> None:
        scanner = self.component
        taps, planes = scanner.taps, scanner.planes
        largest, step = scanner.largest_shift, scanner.event_shift
        self.assume_stream(m, scanner.words, "words")
        self.check_stream(m, scanner.events, "events")
        event = scanner.events.payload
        incoming = scanner.words.payload
        comes = Signal()
        goes = Signal()
        words = (1 << len(incoming.address)) - taps
        m.d.comb += [
            comes.eq(scanner.words.valid & scanner.words.ready),
            goes.eq(scanner.events.valid & scanner.events.ready),
            Assume(incoming.address <= words),
            Assume(incoming.shift <= (largest if planes == 1 else 0)),
        ]

        # The word whose events come out, then those behind it: one is held, one is searched, one's
        # last event waits at the output. Bits are given in one row, plane after plane, so that
        # the next event is the lowest one that is left. Ages are in cycles, up to ``OLD``.
        layout = scanner.word_layout
        words_inside = [Signal(layout, name=f"word_{index}") for index in range(INSIDE)]
        ages = [Signal(range(OLD + 1), name=f"age_{index}") for index in range(INSIDE)]
        word = words_inside[0]
        count = Signal(range(INSIDE + 1))
        fresh = Signal()
        reached = Signal(range(largest + 2))

        left = Value.cast(word.bits)
        plane = Signal(range(planes))
        tap = Signal(range(taps))
        one = Signal(taps * planes)
        for index in reversed(range(taps * planes)):
            with m.If(left[index]):
                m.d.comb += [plane.eq(index // taps), tap.eq(index % taps), one.eq(1 << index)]
        # Lower indices are assigned later, so the lowest set bit is what stays.
        wanted = Signal(range(largest + 2))
        missing = Signal(range(largest + 2))
        rest = Signal(taps * planes)
        word_ends = Signal()
        if planes == 1:
            m.d.comb += wanted.eq(word.shift)
        else:
            m.d.comb += wanted.eq(Mux(left == 0, planes - 1, plane))
        starts = fresh & (planes > 1)
        m.d.comb += [
            # A word of several planes needs no shift before its first event: the sum is zero.
            missing.eq(Mux(starts, 0, wanted - reached)),
            rest.eq(left & ~one),
        ]
        spread = missing > step
        at_end = (wanted == planes - 1) | (starts & (left == 0)) if planes > 1 else Const(1)
        m.d.comb += word_ends.eq(~spread & (rest == 0) & at_end)
        valid = scanner.events.valid
        self.check(m, "event_of_a_word", ~valid | (count != 0))
        self.check(m, "shift", ~valid | (event.shift == Mux(spread, step, missing)))
        self.check(m, "add", ~valid | (event.add == (~spread & (left != 0))))
        self.check(m, "address", ~(valid & event.add) | (event.address == word.address + tap))
        if scanner.signed_trains:
            self.check(m, "negative", ~valid | (event.negative == word.negative))
        self.check(m, "last", ~valid | (event.last == (word_ends & word.last)))
        self.check(m, "three_words_at_most", count <= INSIDE)
        # A word's first event is at the output in the third cycle after it came, if none is ahead.
        self.check(m, "an_event_a_cycle", valid | (count == 0) | (ages[0] < OLD))
        self.check(m, "takes_what_fits", scanner.words.ready | (count != 0))
        if planes == 1:
            # A word of one event makes room as that moves to the output, so none is lost between.
            alone = (count == 1) & ~valid & (rest == 0) & ~spread
            self.check(m, "takes_the_next_meanwhile", ~alone | scanner.words.ready)

        with m.If(goes):
            m.d.sync += [
                reached.eq(Mux(spread, reached + step, wanted)),
                fresh.eq(0),
            ]
            with m.If(~spread):
                m.d.sync += Value.cast(word.bits).eq(rest)
            with m.If(word_ends):
                m.d.sync += [fresh.eq(1), reached.eq(0)]
        gone = Signal()
        m.d.comb += gone.eq(goes & word_ends)
        follow_words(
            m, words_inside, ages, count, comes=comes, incoming=incoming, gone=gone, old=OLD
        )
        with m.If(comes & (count - gone == 0)):
            m.d.sync += [fresh.eq(1), reached.eq(0)]
