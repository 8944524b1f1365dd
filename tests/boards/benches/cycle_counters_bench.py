"""CycleCounters against counting in Python, cycle by cycle."""

import random
from collections import deque

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import settle, start

#: Cycles that a snapshot may take, and that a byte may.
SNAPSHOT_CYCLES, BYTE_CYCLES = 3 * 64, 3


class _Model:
    """What has happened; ``history[n]`` is (images, last, busy) before cycle n since the reset."""

    def __init__(self):
        self.inside, self.waiting, self.done = deque(), deque(), deque()
        self.images, self.last, self.busy, self.cycle = 0, 0, 0, 0
        self.history = []
        self.finished = None

    def step(self, starts, ends):
        if self.finished is not None:
            # A cycle behind, in the counters as well.
            self.images, self.last = self.images + 1, self.finished
            self.finished = None
        self.history.append((self.images, self.last, self.busy))
        self.busy += int(starts or bool(self.inside))
        if ends:
            self.finished = self.cycle - self.inside.popleft() + 1
            self.done.append(self.finished)
        if starts:
            self.inside.append(self.cycle)
        self.cycle += 1


async def _happenings(dut, given, rng, model, rates):
    """Images start and end at random; at most ``images`` are inside or still to be read."""
    while True:
        await RisingEdge(dut.clk)
        dut.started.value = 0
        dut.finished.value = 0
        start_rate, end_rate = rates
        await FallingEdge(dut.clk)
        room = len(model.inside) + len(model.done) < given["images"]
        starts = room and dut.may_start.value and rng.random() < start_rate
        ends = (
            bool(model.inside)
            and model.inside[0] < model.cycle
            and dut.may_finish.value
            and rng.random() < end_rate
        )
        dut.started.value = int(starts)
        dut.finished.value = int(ends)
        await settle()
        assert int(dut.occupied.value) == int(starts or bool(model.inside))
        model.step(starts, ends)


async def _bytes(dut, address, count):
    value = 0
    for index in range(count):
        dut.address.value = address + index
        for _ in range(BYTE_CYCLES):
            await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
        value |= int(dut.data.value) << 8 * index
        await RisingEdge(dut.clk)
    return value


async def _snapshot(dut, given, model):
    dut.snapshot.value = 1
    asked = model.cycle
    await FallingEdge(dut.clk)
    while not dut.snapped.value:
        assert model.cycle - asked <= SNAPSHOT_CYCLES
        await FallingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.snapshot.value = 0
    values, address = [], given["snapshot"]
    for size in given["sizes"]:
        values.append(await _bytes(dut, address, size))
        address += size
    images, last, busy, total = values
    assert asked <= total <= asked + SNAPSHOT_CYCLES
    assert (images, last, busy) == model.history[total], (values, model.history[total])


@cocotb.test()
async def counts(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    for name in ("started", "finished", "snapshot", "address"):
        getattr(dut, name).value = 0
    read = 0
    # The second time all must start anew.
    for again in (False, True):
        await start(dut)
        # Two cycles pass after the reset before the first one in which something can happen.
        model = _Model()
        for _ in range(2):
            model.step(False, False)
        rates = [0.3, 0.3]
        happenings = cocotb.start_soon(
            _happenings(dut, given, random.Random(rng.random()), model, rates)
        )
        image = 0
        while model.images < 150:
            # Long images, short ones, and all kinds between.
            if rng.random() < 0.02:
                rates[:] = rng.choice([(0.3, 0.3), (0.02, 0.02), (0.9, 0.002), (0.01, 0.9)])
            await RisingEdge(dut.clk)
            if model.done and rng.random() < 0.3:
                await FallingEdge(dut.clk)
                while not dut.settled.value:
                    await FallingEdge(dut.clk)
                await RisingEdge(dut.clk)
                at = given["cycles"][image % given["images"]]
                assert await _bytes(dut, at, 4) == model.done[0]
                model.done.popleft()
                image += 1
                read += 1
            if rng.random() < 0.03:
                await _snapshot(dut, given, model)
        if again:
            # Images stay inside until the third byte of the counters counts.
            rates[:] = (1.0, 0.0)
            await ClockCycles(dut.clk, 66_000)
            await RisingEdge(dut.clk)
            await _snapshot(dut, given, model)
        happenings.cancel()
        at, constants = given["constants"]
        found = await _bytes(dut, at, len(constants))
        assert found.to_bytes(len(constants), "little") == bytes(constants)
        dut.started.value = 0
        dut.finished.value = 0
    assert read > 50
