"""ReplyWriter beside memories that answer as late as they may, with random stalls."""

import random
from itertools import chain

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import collect, drive, start

#: Cycles after a new address in which the counters' memory may give anything.
LATE = 3


async def _memories(dut, given, rng):
    """Bytes and scores of the image that is answered; something else until they must be there."""
    answered, address, age, index = 0, None, 0, None
    classes = len(given["scores"][0])
    while True:
        await FallingEdge(dut.clk)
        answered += int(dut.answers__ready.value) & int(dut.answers__valid.value)
        asked, wanted = int(dut.address.value), int(dut.score_index.value)
        age = age + 1 if asked == address else 1
        scores = given["scores"][answered % len(given["scores"])]
        same = wanted == index
        address, index = asked, wanted
        await RisingEdge(dut.clk)
        dut.stored.value = given["memory"][asked] if age >= LATE else rng.randrange(256)
        dut.score.value = scores[wanted] if same and wanted < classes else rng.randrange(32)


@cocotb.test()
async def replies_are_whole(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    bodies = given["bodies"]
    for name in ("commands", "tags", "answers"):
        getattr(dut, f"{name}__valid").value = 0
    dut.settled.value = 1
    dut.steps.value = given["steps"]
    dut.delay.value = given["delay"]
    await start(dut)
    cocotb.start_soon(_memories(dut, given, random.Random(rng.random())))
    for gap, stall in ((0.0, 0.0), (0.9, 0.2), (0.2, 0.6)):
        drivers = [
            cocotb.start_soon(drive(dut, name, given[name], random.Random(rng.random()), gap))
            for name in ("commands", "tags", "answers")
        ]
        count = sum(map(len, chain(*bodies.values())))
        taken = await with_timeout(
            cocotb.start_soon(collect(dut, "replies", count, rng, stall)), 400_000, "ns"
        )
        for driver in drivers:
            await driver
        found, order, reply = {"results": [], "commands": []}, [], []
        for byte in taken:
            reply.append(byte & 0xFF)
            if byte >> 8:
                order.append("results" if reply[0] == 0x83 else "commands")
                found[order[-1]].append(reply)
                reply = []
        assert found == bodies
        if gap == 0:
            pairs = [set(order[i : i + 2]) for i in range(0, len(order), 2)]
            assert all(pair == {"results", "commands"} for pair in pairs), order
