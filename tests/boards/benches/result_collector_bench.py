"""ResultCollector: an image's scores are there with its answer, until that is taken."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import drive, expect_quiet, start


async def _waver(dut, given, rng, finished):
    """``may_finish`` comes and goes; the last beat of an image waits for it."""
    while True:
        dut.may_finish.value = int(rng.random() < 0.5)
        await FallingEdge(dut.clk)
        if dut.finished.value:
            assert dut.may_finish.value and dut.results__valid.value
            assert int(dut.results__payload.value) & given["last"]
            finished.append(True)
        await RisingEdge(dut.clk)


@cocotb.test()
async def keeps_scores(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    dut.results__valid.value = 0
    dut.answers__ready.value = 0
    dut.score_index.value = 0
    await start(dut)
    finished = []
    wavering = cocotb.start_soon(_waver(dut, given, random.Random(rng.random()), finished))
    for gap, pause in ((0.0, 0), (0.5, 0), (0.0, 40), (0.3, 9)):
        await RisingEdge(dut.clk)
        finished.clear()
        sender = cocotb.start_soon(
            drive(dut, "results", given["beats"], random.Random(rng.random()), gap)
        )
        for scores in given["scores"]:
            await with_timeout(cocotb.start_soon(_answer(dut)), 20_000, "ns")
            order = list(range(len(scores)))
            rng.shuffle(order)
            for index in order:
                for _ in range(rng.randrange(pause + 1)):
                    await RisingEdge(dut.clk)
                dut.score_index.value = index
                await RisingEdge(dut.clk)
                await FallingEdge(dut.clk)
                assert int(dut.score.value) == scores[index]
                assert int(dut.answers__payload.value) == given["answer"]
            dut.answers__ready.value = 1
            await RisingEdge(dut.clk)
            dut.answers__ready.value = 0
        await sender
        assert len(finished) == len(given["scores"])
        await expect_quiet(dut, "answers", 5)
    wavering.cancel()


async def _answer(dut):
    await FallingEdge(dut.clk)
    while not dut.answers__valid.value:
        await FallingEdge(dut.clk)
