"""Drives a component's input streams, and expects exactly the given payloads on its outputs."""

import random

import cocotb

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import exchange, set_ports, start
from tests.hw.benches.stalls import STALLS


@cocotb.test()
async def exchanges(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    set_ports(dut, given["ports"])
    await start(dut)
    for gap, stall in STALLS:
        counts = {name: len(values) for name, values in given["expected"].items()}
        taken = await exchange(dut, given["inputs"], counts, rng, gap=gap, stall=stall)
        for name, values in given["expected"].items():
            masks = given["masks"].get(name) or [-1] * len(values)
            for index, (found, wanted, mask) in enumerate(
                zip(taken[name], values, masks, strict=True)
            ):
                assert found & mask == wanted & mask, (
                    f"{name}[{index}]: {found:#x}, expected {wanted:#x}"
                )
