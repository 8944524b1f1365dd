"""The accelerator: a reset of a single cycle, at any time, leaves nothing of what was before."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from rheobase.sim.bench import bench_parameters
from rheobase.sim.streams import drive, exchange, set_ports, start


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
        # Whoever sends does not know yet: his pixel is offered during the reset as well.
        dut.rst.value = 1
        await RisingEdge(dut.clk)
        dut.rst.value = 0
        await FallingEdge(dut.clk)
        dut.pixels__valid.value = 0
        taken = await exchange(
            dut,
            {"pixels": given["pixels"]},
            {"results": len(given["results"])},
            random.Random(rng.random()),
            gap=0.1,
            stall=0.1,
        )
        assert taken["results"] == given["results"]
