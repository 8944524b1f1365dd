"""WeightStore: words come in the order of their addresses, however it is held up."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import start


@cocotb.test()
async def words_follow(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    dut.moves.value = dut.clears.value = dut.address.value = 0
    await start(dut)
    # What is under way, oldest last; None where nothing was asked for.
    under_way = [None] * given["latency"]
    asked = list(zip(given["addresses"], given["words"], strict=True))
    seen = 0
    while seen < len(given["words"]):
        moves = int(rng.random() < 0.7)
        dut.moves.value = moves
        offered = asked[0] if asked and rng.random() < 0.8 else None
        dut.address.value = offered[0] if offered else rng.choice(given["addresses"])
        # Only what comes next is cleared.
        clears = int(rng.random() < 0.2)
        dut.clears.value = clears
        await FallingEdge(dut.clk)
        if under_way[-1] is not None:
            assert int(dut.word.value) == under_way[-1]
        await RisingEdge(dut.clk)
        if moves:
            seen += under_way[-1] is not None
            under_way = [offered and offered[1], *under_way[:-1]]
            if offered:
                asked.pop(0)
            if clears and under_way[-1] is not None:
                under_way[-1] = 0
