"""StreamFork: each branch gets each element once."""

from amaranth import Cat, Module, Signal

from rheobase.hw.basics.fork import StreamFork
from rheobase.sim.prove import Checker


class ForkChecker(Checker):
    component: StreamFork

    def state(self, m: Module) -> None:
        fork = self.component
        branches = fork.branches
        self.assume_stream(m, fork.input, "input")
        # Which branches have the element that is at the input.
        have = Signal(branches)
        get = Signal(branches)
        moves = Signal()
        m.d.comb += [
            get.eq(Cat(output.valid & output.ready for output in fork.outputs)),
            moves.eq(fork.input.valid & fork.input.ready),
        ]
        m.d.sync += have.eq(have | get)
        with m.If(moves):
            m.d.sync += have.eq(0)
        for index, output in enumerate(fork.outputs):
            self.check_stream(m, output, f"output_{index}")
            self.check(
                m, f"offered_until_taken_{index}", output.valid == (fork.input.valid & ~have[index])
            )
            self.check(
                m, f"unchanged_{index}", ~output.valid | (output.payload == fork.input.payload)
            )
        self.check(m, "never_twice", (have & get) == 0)
        # As soon as all have it and no later: no loss, and no wait that a branch did not ask for.
        self.check(m, "moves_when_all_have_it", moves == (fork.input.valid & (have | get).all()))
        self.check(m, "served", self.peek("served", branches) == have)
