"""PacketQueue against a model of its own: frames that are too many or too large are refused."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from rheobase.sim.bench import bench_parameters
from rheobase.sim.streams import collect, expect_quiet, start


@cocotb.test()
async def refuses_what_it_has_no_room_for(dut):
    """Nothing is taken until all has come, so that what fits is known."""
    given = bench_parameters()
    rng = random.Random(given["seed"])
    dut.pieces__valid.value = 0
    dut.packets__ready.value = 0
    dut.bytes__ready.value = 0
    await start(dut)
    for _ in range(3):
        await RisingEdge(dut.clk)
        for piece in given["pieces"]:
            dut.pieces__payload.value = piece
            dut.pieces__valid.value = 1
            await FallingEdge(dut.clk)
            assert dut.pieces__ready.value, "the line cannot wait"
            await RisingEdge(dut.clk)
            dut.pieces__valid.value = 0
        packets = await collect(dut, "packets", len(given["packets"]), rng, 0.3)
        assert packets == given["packets"]
        data = await collect(dut, "bytes", len(given["bytes"]), rng, 0.3)
        assert data == given["bytes"]
        await expect_quiet(dut, "packets", 5)
        await expect_quiet(dut, "bytes", 5)
