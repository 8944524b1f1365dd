"""CycleCounters against counting in Python."""

import random
from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from rheobase.sim.bench import bench_parameters
from rheobase.sim.streams import start


@cocotb.test()
async def counts(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    dut.started.value = 0
    dut.finished.value = 0
    await start(dut)
    await FallingEdge(dut.clk)
    total = int(dut.total.value)
    inside, images, last, busy = deque(), 0, 0, 0
    for cycle in range(600):
        await RisingEdge(dut.clk)
        total += 1
        starts = len(inside) < given["images"] and rng.random() < 0.2
        # The time stamp goes through a queue, so that an image takes a cycle at the least.
        ends = bool(inside) and inside[0] < cycle - 1 and rng.random() < 0.2
        dut.started.value = int(starts)
        dut.finished.value = int(ends)
        await FallingEdge(dut.clk)
        assert int(dut.total.value) == total
        assert (int(dut.images.value), int(dut.last.value)) == (images, last)
        assert int(dut.busy.value) == busy
        assert int(dut.occupied.value) == int(starts or bool(inside))
        if ends:
            assert int(dut.elapsed.value) == cycle - inside[0] + 1
        busy += int(starts or bool(inside))
        if ends:
            last = cycle - inside.popleft() + 1
            images += 1
        if starts:
            inside.append(cycle)
    assert images > 20
