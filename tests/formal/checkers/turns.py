"""CurrentTurns and SpikeTurns: each channel's current and spikes at its turn, none lost."""

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.hdl import Assume

from rheobase.hw.neurons.current_turns import CurrentTurns
from rheobase.hw.neurons.spike_turns import SpikeTurns
from rheobase.sim.prove import Checker


class CurrentTurnsChecker(Checker):
    """Counts the turns itself and picks the channels by a shift."""

    component: CurrentTurns

    def state(self, m: Module) -> None:
        turns = self.component
        self.assume_stream(m, turns.currents, "currents")
        self.check_stream(m, turns.turns, "turns")
        given, taken = turns.currents, turns.turns
        turn = Signal(range(turns.count))
        last = turn == turns.count - 1
        moves = taken.valid & taken.ready
        with m.If(moves):
            m.d.sync += turn.eq(Mux(last, 0, turn + 1))
        self.check(m, "turn", (self.peek("turn", len(turn)) == turn) & (turn < turns.count))
        shown = given.valid
        selected = Const(1)  # what is given out holds, and a group may go
        if turns.halves:
            # A cycle after the currents have come, or the turn before has gone.
            shown = selected = Signal()
            m.d.sync += shown.eq(given.valid & ~moves)
            self.check(m, "shows_what_is_there", ~shown | given.valid)
        self.check(m, "never_waits", taken.valid == shown)
        goes = selected & taken.ready & last
        self.check(m, "group_goes_with_its_last_turn", given.ready == goes)
        all_currents = Value.cast(given.payload.currents)
        width = len(Value.cast(taken.payload.currents))
        picked = (all_currents >> (turn * width))[:width]
        currents = Value.cast(taken.payload.currents)
        self.check(m, "currents", ~selected | (currents == picked))
        numbers = len(taken.payload.group) - len(given.payload.group)
        self.check(m, "group", taken.payload.group >> numbers == given.payload.group)
        self.check(m, "number", taken.payload.group & ((1 << numbers) - 1) == turn)


class SpikeTurnsChecker(Checker):
    """Follows any one spike: any channel, any step."""

    component: SpikeTurns

    def state(self, m: Module) -> None:
        trains = self.component
        firing, steps = trains.firing, trains.largest_steps
        self.assume_stream(m, trains.spikes, "spikes")
        self.check_stream(m, trains.words, "words")
        channel = self.constant(range(trains.neurons), "channel")
        followed = self.constant(range(steps + 1), "followed")
        # T is the one of the images under way: it stands still.
        chosen = self.constant(range(steps + 1), "chosen")
        m.d.comb += [
            Assume(channel < trains.neurons),
            Assume((chosen >= 1) & (chosen <= steps)),
            Assume(trains.steps == chosen),
            Assume(followed < chosen),
        ]
        turn = Signal(range(trains.count))
        step = Signal(range(steps + 1))
        spike = Signal()
        comes = Signal()
        goes = Signal()
        last = Signal()
        m.d.comb += [
            comes.eq(trains.spikes.valid & trains.spikes.ready),
            goes.eq(trains.words.valid & trains.words.ready),
            last.eq(turn == trains.count - 1),
        ]
        own = Signal()
        bit = Signal()
        for number in range(trains.neurons):
            with m.If(channel == number):
                m.d.comb += [
                    own.eq((turn == number // firing) & (step == followed)),
                    bit.eq(trains.spikes.payload[number % firing]),
                ]
        with m.If(comes & own):
            m.d.sync += spike.eq(bit)
        with m.If(comes):
            m.d.sync += step.eq(step + 1)
            with m.If(step == chosen - 1):
                m.d.sync += [step.eq(0), turn.eq(Mux(last, 0, turn + 1))]
        found = trains.words.payload.bit_select(channel, 1)
        here = trains.words.valid & (step == followed)
        self.check(m, "spike", ~here | (found == Mux(own, bit, spike)))
        self.check(m, "a_word_a_step_of_the_last_turn", goes == (comes & last))
        self.check(m, "never_waits", trains.words.valid == (trains.spikes.valid & last))
        self.check(m, "waits_for_words_alone", trains.spikes.ready | (last & ~trains.words.ready))
