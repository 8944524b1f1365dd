"""CommandDispatcher against the streams it must give, while the counters let it wait."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import exchange, start

STALLS = ((0.0, 0.0), (0.6, 0.0), (0.0, 0.7), (0.4, 0.4))


async def _counters(dut, rng, snapshots, settings):
    """``may_start`` and ``snapped`` at random; T and t0 as they are when a reply is taken.

    Once an image may start, it may until it does.
    """
    may_start = 0
    while True:
        may_start |= int(rng.random() < 0.02)
        dut.may_start.value = may_start
        dut.snapped.value = 0
        await FallingEdge(dut.clk)
        if dut.image_starts.value:
            assert may_start
            may_start = 0
        if dut.snapshot.value:
            assert not dut.replies__valid.value
            if rng.random() < 0.3:
                dut.snapped.value = 1
                snapshots.append(True)
        if dut.replies__valid.value and dut.replies__ready.value:
            reply = int(dut.replies__payload.value)
            if reply & 7 in (1, 2) and not reply >> 11:
                settings.append([int(dut.steps.value), int(dut.delay.value)])
        await RisingEdge(dut.clk)


@cocotb.test()
async def carries_out_requests(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    await start(dut)
    snapshots, settings = [], []
    cocotb.start_soon(_counters(dut, random.Random(rng.random()), snapshots, settings))
    counts = {name: len(given[name]) for name in ("replies", "tags", "image")}
    for gap, stall in STALLS:
        snapshots.clear()
        settings.clear()
        taken = await exchange(dut, {"words": given["words"]}, counts, rng, gap=gap, stall=stall)
        assert taken["tags"] == given["tags"]
        assert taken["image"] == given["image"]
        for found, wanted, mask in zip(
            taken["replies"], given["replies"], given["masks"], strict=True
        ):
            assert found & mask == wanted & mask, (hex(found), hex(wanted))
        counted = [reply for reply in given["replies"] if reply & 7 == 4 and not reply >> 11]
        assert len(snapshots) == len(counted)
        assert settings == given["settings"]
