"""UART: the receiver against a line driven here, the transmitter against a line read here."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import collect, drive, start


async def _level(dut, level, clocks, phase):
    """Hold the line for ``clocks``, not necessarily whole; gives what is left of a clock."""
    dut.line.value = level
    phase += clocks
    while phase >= 1:
        await RisingEdge(dut.clk)
        phase -= 1
    return phase


async def _send(dut, given, rng):
    phase = 0.0
    for byte, stop, idle in given["line"]:
        bits = [0, *(byte >> i & 1 for i in range(8)), stop]
        for bit in bits:
            phase = await _level(dut, bit, given["clocks_per_bit"], phase)
        if not stop or idle:
            phase = await _level(dut, 1, given["clocks_per_bit"] * max(1, idle), phase)
        if idle and given["spikes"]:
            # Shorter than half a bit: no start bit.
            phase = await _level(dut, 0, 1, phase)
            phase = await _level(dut, 1, given["clocks_per_bit"] * 2, phase)


@cocotb.test(skip=bench_parameters()["component"] != "receiver")
async def receives(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    dut.line.value = 1
    await start(dut)
    for _ in range(5):
        await RisingEdge(dut.clk)
    sender = cocotb.start_soon(_send(dut, given, rng))
    # A byte takes ten bits: this consumer is slow, but always faster than that.
    taken = await collect(dut, "bytes", len(given["expected"]), rng, 0.5)
    assert taken == given["expected"], [hex(x) for x in taken]
    await sender


@cocotb.test(skip=bench_parameters()["component"] != "slow")
async def loses_and_says_so(dut):
    """Three bytes come while none is taken: the first is kept, the next one taken is marked."""
    given = bench_parameters()
    rng = random.Random(given["seed"])
    dut.line.value = 1
    dut.bytes__ready.value = 0
    await start(dut)
    await _send(dut, given, rng)
    for _ in range(20):
        await RisingEdge(dut.clk)
    first = await collect(dut, "bytes", 1, rng, 0)
    await _send(dut, given, rng)
    for _ in range(20):
        await RisingEdge(dut.clk)
    second = await collect(dut, "bytes", 1, rng, 0)
    assert first == [given["line"][0][0]]
    assert second == [0x100 | given["line"][0][0]]


@cocotb.test(skip=bench_parameters()["component"] != "transmitter")
async def transmits(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    clocks = given["clocks_per_bit"]
    dut.bytes__valid.value = 0
    await start(dut)
    for gap in (0.0, 0.9):
        sender = cocotb.start_soon(drive(dut, "bytes", given["bytes"], rng, gap))
        for expected in given["bytes"]:
            cycles = 0
            while dut.line.value:
                await FallingEdge(dut.clk)
                cycles += 1
                assert cycles < 1000, "no start bit"
            # The start bit fell at most a clock ago; each bit is looked at in its middle.
            bits, at = [], 0
            for index in range(10):
                while at < clocks * (index + 0.5) - 0.5:
                    await FallingEdge(dut.clk)
                    at += 1
                bits.append(int(dut.line.value))
            assert bits[0] == 0 and bits[9] == 1, bits
            assert sum(bit << i for i, bit in enumerate(bits[1:9])) == expected
        await sender
