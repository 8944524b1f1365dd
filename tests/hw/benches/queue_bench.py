"""Queue: what goes in comes out, in order, whatever the stalls."""

import random

import cocotb
from rheobase.sim.bench import bench_parameters
from rheobase.sim.streams import exchange, start


@cocotb.test()
async def keeps_order(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    values = [rng.randrange(2 ** given["width"]) for _ in range(given["count"])]
    await start(dut)
    for gap, stall in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.6)):
        taken = await exchange(
            dut, {"input": values}, {"output": len(values)}, rng, gap=gap, stall=stall
        )
        assert taken["output"] == values
