"""WordEvents: the set bits of each word, in order, each with its weights and its worth."""

from amaranth import Module, Signal, Value

from rheobase.hw.basics.table import lookup
from rheobase.hw.serial.word_events import WordEvents
from rheobase.sim.prove import Checker
from tests.formal.checkers.words_inside import follow_words

#: Words with events that are under way at most; cycles from a word's coming to its first event.
INSIDE, OLD = 2, 2


class WordEventsChecker(Checker):
    """Keeps the words under way that give events, and says of each what its next event must be."""

    component: WordEvents

    def state(self, m: Module) -> None:
        events, design = self.component.events, self.component.design
        incoming = self.component.words.payload
        self.assume_stream(m, self.component.words, "words")
        self.check_stream(m, events, "events")
        valid, event = events.valid, events.payload
        comes, goes, gone = Signal(), Signal(), Signal()
        words = [Signal(self.component.word_layout, name=f"word_{i}") for i in range(INSIDE)]
        ages = [Signal(range(OLD + 1), name=f"age_{i}") for i in range(INSIDE)]
        count = Signal(range(INSIDE + 2))
        word = words[0]
        left = Value.cast(word.bits)
        lowest, rest = Signal(range(len(left))), Signal(len(left))
        for index in reversed(range(len(left))):
            with m.If(left[index]):
                m.d.comb += [lowest.eq(index), rest.eq(left & ~(1 << index))]
        offset = lookup(m, lowest, design.bit_offsets, name="wanted_offset")
        less = lookup(m, lowest, [i // design.taps for i in range(len(left))], name="wanted_less")
        ends = rest == 0
        m.d.comb += [
            # A word without events that ends no image gives nothing.
            comes.eq(
                self.component.words.valid
                & self.component.words.ready
                & (incoming.bits.any() | incoming.last)
            ),
            goes.eq(valid & events.ready),
            gone.eq(goes & ends),
        ]
        adds = valid & event.adds
        self.check(m, "event_of_a_word", ~valid | (count != 0))
        self.check(m, "adds", ~valid | (event.adds == left.any()))
        self.check(
            m, "weights", ~adds | (event.weights == (word.weights + offset)[: len(event.weights)])
        )
        self.check(m, "shift", ~adds | (event.shift == (word.shift - less)[: len(event.shift)]))
        self.check(m, "negative", ~adds | (event.negative == word.negative))
        self.check(m, "last", ~valid | (event.last == (word.last & ends)))
        self.check(m, "two_words_at_most", count <= INSIDE)
        self.check(m, "an_event_a_cycle", valid | (count == 0) | (ages[0] < OLD))
        self.check(m, "takes_what_fits", self.component.words.ready | (count != 0))

        with m.If(goes):
            m.d.sync += Value.cast(word.bits).eq(rest)
        follow_words(m, words, ages, count, comes=comes, incoming=incoming, gone=gone, old=OLD)
