"""ResetWave: every stage a cycle after the one before, the outside closed until all have had it."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import start


@cocotb.test()
async def stages_follow(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    stages = given["stages"]
    dut.asserted.value = 0
    await start(dut)
    asserted = []
    for cycle in range(400):
        # Pulses of any length, close together and far apart; the domain's reset is the same one.
        asserted.append(int(rng.random() < (0.5 if cycle // 20 % 3 == 0 else 0.03)))
        dut.asserted.value = dut.rst.value = asserted[-1]
        await FallingEdge(dut.clk)
        if cycle > stages + 1:
            resets = int(dut.stage_resets.value)
            expected = [asserted[-2 - stage] for stage in range(stages)]
            assert resets == sum(bit << stage for stage, bit in enumerate(expected)), cycle
            assert int(dut.outer_reset.value) == int(any(asserted[-2 - stages : -1])), cycle
        await RisingEdge(dut.clk)
