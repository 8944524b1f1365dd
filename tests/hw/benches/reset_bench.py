"""The accelerator: a reset of a single cycle, at any time, leaves nothing of what was before."""

import random

import cocotb
from cocotb.triggers import RisingEdge, with_timeout

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import collect, drive, expect_quiet, set_ports, start


@cocotb.test()
async def nothing_is_left(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    set_ports(dut, given["ports"])
    dut.pixels__valid.value = 0
    dut.results__ready.value = 0
    await start(dut)
    for _ in range(given["resets"]):
        dut.results__ready.value = 1
        pixels = cocotb.start_soon(
            drive(dut, "pixels", given["pixels"], random.Random(rng.random()), 0.1)
        )
        for _ in range(rng.randrange(given["cycles"])):
            await RisingEdge(dut.clk)
        pixels.cancel()
        # Whoever sends does not know yet: his pixel is offered during the reset as well. The next
        # images begin in the first cycle without reset, from which on results are looked for.
        dut.rst.value = 1
        for _ in range(rng.choice([1, 1, 2, 3])):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        pixels = cocotb.start_soon(
            drive(dut, "pixels", given["pixels"], random.Random(rng.random()), 0.1)
        )
        results = collect(
            dut, "results", len(given["results"]), random.Random(rng.random()), stall=0.1
        )
        assert await with_timeout(results, 1, "ms") == given["results"]
        await pixels
        await expect_quiet(dut, "results", 8)
