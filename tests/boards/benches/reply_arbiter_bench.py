"""ReplyArbiter: replies of both senders come out whole, each sender's in order, none starves."""

import random

import cocotb
from cocotb.triggers import with_timeout
from rheobase.sim.bench import bench_parameters
from rheobase.sim.streams import collect, drive, start


@cocotb.test()
async def replies_stay_whole(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    for name in ("commands", "results"):
        getattr(dut, f"{name}__valid").value = 0
    await start(dut)
    for gap, stall in ((0.0, 0.0), (0.5, 0.2), (0.2, 0.6)):
        drivers = [
            cocotb.start_soon(drive(dut, name, given[name], random.Random(rng.random()), gap))
            for name in ("commands", "results")
        ]
        count = len(given["commands"]) + len(given["results"])
        taken = await with_timeout(
            cocotb.start_soon(collect(dut, "replies", count, rng, stall)), 200_000, "ns"
        )
        for driver in drivers:
            await driver
        # Bit 7 of a byte says which sender it is from, bit 8 is `last`.
        order, reply = [], []
        for byte in taken:
            reply.append(byte)
            if byte >> 8:
                assert len({b >> 7 & 1 for b in reply}) == 1, "a reply of two senders"
                order.append(reply[0] >> 7 & 1)
                reply = []
        assert [b for b in taken if not b >> 7 & 1] == given["commands"]
        assert [b for b in taken if b >> 7 & 1] == given["results"]
        if gap == 0:
            both = min(order.count(0), order.count(1))
            assert order[: 2 * both] in ([0, 1] * both, [1, 0] * both), order
