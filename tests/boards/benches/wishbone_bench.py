"""An accelerator behind its registers, by a bus master that comes and goes as it likes."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import start

#: Requests until a bench gives up.
MOST = 6_000


class Master:
    """Reads and writes registers by name, with random pauses."""

    def __init__(self, dut, offsets, rng, pause):
        self.dut, self.offsets, self.rng, self.pause = dut, offsets, rng, pause
        self.requests = 0

    async def request(self, name, value=None, sel=15, offset=None):
        """(answered, data): whether ``ack`` came, not ``err``."""
        self.requests += 1
        assert self.requests < MOST, f"no end: {name}"
        dut = self.dut
        while self.rng.random() < self.pause:
            await RisingEdge(dut.clk)
        # What another device is asked for meanwhile is none of its business.
        dut.adr.value = (self.offsets[name] if offset is None else offset) // 4
        dut.we.value = value is not None
        dut.dat_w.value = value or 0
        dut.sel.value = sel
        dut.cyc.value = 1
        dut.stb.value = 1
        for cycle in range(2):
            await FallingEdge(dut.clk)
            ack, err = int(dut.ack.value), int(dut.err.value)
            assert ack + err == cycle, f"{name}: ack {ack}, err {err} in cycle {cycle}"
            data = int(dut.dat_r.value)
            await RisingEdge(dut.clk)
        dut.stb.value = 0
        dut.cyc.value = int(self.rng.random() < 0.5)
        if self.rng.random() < self.pause:
            await RisingEdge(dut.clk)
            await FallingEdge(dut.clk)
            assert not dut.ack.value and not dut.err.value
            await RisingEdge(dut.clk)
        return bool(ack), data

    async def read(self, name):
        answered, data = await self.request(name)
        assert answered, f"{name} cannot be read"
        return data

    async def write(self, name, value):
        answered, _ = await self.request(name, value)
        assert answered, f"{name} does not take {value}"


def master(dut, given, pause):
    return Master(dut, given["offsets"], random.Random(given["seed"]), pause)


async def begin(dut):
    for port in ("adr", "dat_w", "sel", "we", "stb", "cyc"):
        getattr(dut, port).value = 0
    await start(dut)


async def take(bus, given, outputs, image):
    """Take what waits of every output; True where an image is whole. ``image``: what is taken."""
    status = await bus.read("STATUS")
    for output, shape in enumerate(given["results"]):
        if not status >> (2 + output) & 1 or bus.rng.random() < 0.4:
            continue
        low = await bus.read(f"SCORE{output}")
        high = await bus.read(f"SCORE{output}_HIGH")
        score = (high << 32) | low
        answer = await bus.read(f"ANSWER{output}")
        outputs[output].append((score - (1 << 64) if score >> 63 else score, answer))
        assert len(outputs[output]) <= image * shape


@cocotb.test()
async def answers(dut):
    """Images of several T go in while results come out; every answer is the golden model's."""
    given = bench_parameters()
    for pause in (0.0, 0.5):
        bus = master(dut, given, pause)
        await begin(dut)
        assert await bus.read("ID") == given["identity"]
        assert await bus.read("NETWORK") == given["network"]
        await bus.write("CONTROL", 2)
        outputs = [[] for _ in given["results"]]
        for number, (steps, delay, words) in enumerate(given["images"], 1):
            await bus.write("STEPS", steps)
            await bus.write("DELAY", delay)
            assert (await bus.read("STEPS"), await bus.read("DELAY")) == (steps, delay)
            for word in words:
                while not (await bus.request("PIXEL", word))[0]:
                    await take(bus, given, outputs, number)
        total = [len(given["images"]) * shape for shape in given["results"]]
        while [len(found) for found in outputs] != total:
            await take(bus, given, outputs, len(given["images"]))
        for found, wanted in zip(outputs, given["scores"], strict=True):
            for place, ((score, answer), (right, best)) in enumerate(
                zip(found, wanted, strict=True)
            ):
                assert score == right and best in (None, answer), (place, score, right, answer)
        assert not dut.interrupt.value
        answered, _ = await bus.request("SCORE0")
        assert not answered


@cocotb.test()
async def interrupt_and_reset(dut):
    """DONE and the interrupt come with an image's last result; RESET drops what is under way."""
    given = bench_parameters()
    bus = master(dut, given, 0.1)
    await begin(dut)
    steps, delay, words = given["images"][0]
    for enabled in (0, 1):
        await bus.write("CONTROL", 1 | 2 * enabled)
        assert await bus.read("CONTROL") == 2 * enabled
        await bus.write("STEPS", steps)
        await bus.write("DELAY", delay)
        # Half an image is dropped, and the next one is whole.
        for word in words[: len(words) // 2 + 1]:
            while not (await bus.request("PIXEL", word))[0]:
                pass
        await bus.write("CONTROL", 1 | 2 * enabled)
        for word in words:
            while not (await bus.request("PIXEL", word))[0]:
                pass
            assert not dut.interrupt.value
        if given["whole"]:
            while not await bus.read("STATUS") & 2:
                pass
            await RisingEdge(dut.clk)
            await FallingEdge(dut.clk)
            assert int(dut.interrupt.value) == enabled
            await RisingEdge(dut.clk)
        outputs = [[] for _ in given["results"]]
        while [len(found) for found in outputs] != given["results"]:
            await take(bus, given, outputs, 1)
        for found, wanted in zip(outputs, given["scores"], strict=True):
            assert [score for score, _ in found] == [s for s, _ in wanted[: len(found)]]
        await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
        assert not dut.interrupt.value
        await RisingEdge(dut.clk)
        assert not await bus.read("STATUS") & 2


@cocotb.test()
async def refusals(dut):
    """What is not allowed is an error on the bus, and changes nothing."""
    given = bench_parameters()
    bus = master(dut, given, 0.2)
    await begin(dut)
    await bus.write("STEPS", 1)
    for name, value in (
        ("ID", 1), ("NETWORK", 1), ("STATUS", 1), ("SCORE0", 1), ("ANSWER0", 1),
        ("STEPS", 0), ("STEPS", given["most"] + 1), ("STEPS", 1 << 31 | 1),
        ("DELAY", given["most"]), ("PIXEL", None),
    ):  # fmt: skip
        answered, _ = await bus.request(name, value)
        assert not answered, (name, value)
    for sel in (0, 7, 14):
        assert not (await bus.request("STEPS", 1, sel))[0]
        assert not (await bus.request("ID", None, sel))[0]
    assert not (await bus.request("hole", offset=given["hole"]))[0]
    assert await bus.read("STEPS") == 1
    if given["rate"]:
        # A t0 that is not below T takes no pixel.
        await bus.write("DELAY", 1)
        assert not (await bus.request("PIXEL", 0))[0]
        await bus.write("STEPS", 2)
    assert (await bus.request("PIXEL", 0))[0]
