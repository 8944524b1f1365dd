"""The end of a map is seen in the cycle of its last word, whatever T the image has."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from rheobase.golden import RheobaseError
from rheobase.hw.accelerator.map_end import MapEnd


@pytest.mark.parametrize("trains", [1, 2, 7])
@pytest.mark.parametrize("largest", [1, 3, 8])
def test_done_with_the_last_word(trains, largest):
    rng = np.random.default_rng(trains * 10 + largest)
    images = rng.integers(1, largest + 1, 6).tolist()
    component = MapEnd(trains, largest)

    async def bench(ctx):
        for steps in images:
            ctx.set(component.steps, steps)
            left = steps * trains
            while left:
                moves = int(rng.random() < 0.6)
                ctx.set(component.moves, moves)
                assert ctx.get(component.done) == (moves and left == 1)
                await ctx.tick()
                left -= moves
            ctx.set(component.moves, 0)
            await ctx.tick().repeat(int(rng.integers(1, 4)))

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_no_trains_is_refused():
    with pytest.raises(RheobaseError, match="trains is 0, must be an integer >= 1"):
        MapEnd(0, 4)
