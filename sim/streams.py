"""cocotb drivers and monitors for Amaranth streams, with random gaps and back-pressure.

Inputs change just after a rising edge, and everything is looked at on the falling edge, when the
logic in between has settled; a transfer then happens with the next rising edge.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer, with_timeout

_PERIOD_NS = 10


def set_ports(dut, ports: Mapping[str, int]) -> None:
    """Give ports that are no streams their values, by name."""
    for name, value in ports.items():
        getattr(dut, name).value = value


async def start(dut) -> None:
    """Start the clock and reset the component."""
    cocotb.start_soon(Clock(dut.clk, _PERIOD_NS, unit="ns").start())
    dut.rst.value = 1
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


async def drive(dut, stream: str, payloads: Iterable[int], rng: random.Random, gap: float) -> None:
    """Offer ``payloads`` on an input stream; ``gap`` is the chance of a cycle without one."""
    payload, valid, ready = _members(dut, stream)
    rises, falls = RisingEdge(dut.clk), FallingEdge(dut.clk)
    valid.value = 0
    offers = False
    for value in payloads:
        while rng.random() < gap:
            if offers:
                valid.value = 0
                offers = False
            await rises
        payload.value = value
        if not offers:
            valid.value = 1
            offers = True
        await falls
        while not ready.value:
            await falls
        await rises
    valid.value = 0
    payload.value = 0


async def collect(dut, stream: str, count: int, rng: random.Random, stall: float) -> list[int]:
    """Take ``count`` payloads from an output stream; ``stall`` is the chance of a busy cycle.

    An offered payload must stay as it is until it is taken.
    """
    payload, valid, ready = _members(dut, stream)
    # To talk to the simulator takes longest: it is told and asked what may have changed.
    rises, falls = RisingEdge(dut.clk), FallingEdge(dut.clk)
    taken: list[int] = []
    offered: int | None = None
    takes: bool | None = None
    while len(taken) < count:
        wanted = rng.random() >= stall
        if wanted != takes:
            ready.value = int(wanted)
            takes = wanted
        await falls
        if valid.value:
            value = int(payload.value)
            assert offered in (None, value), f"{stream}: payload changed before it was taken"
            offered = value
            if takes:
                taken.append(value)
                offered = None
        else:
            assert offered is None, f"{stream}: offer withdrawn before it was taken"
        await rises
    ready.value = 0
    return taken


async def expect_quiet(dut, stream: str, cycles: int) -> None:
    """Fail if ``stream`` offers anything within ``cycles``."""
    _, valid, ready = _members(dut, stream)
    ready.value = 0
    for _ in range(cycles):
        await FallingEdge(dut.clk)
        assert not valid.value, f"{stream}: an extra payload"


async def exchange(
    dut,
    inputs: dict[str, Sequence[int]],
    outputs: dict[str, int],
    rng: random.Random,
    *,
    gap: float = 0.0,
    stall: float = 0.0,
    cycles: int = 200_000,
) -> dict[str, list[int]]:
    """Drive all ``inputs`` and take the given number of payloads from all ``outputs`` at once.

    Fails when it takes more than ``cycles`` cycles (the component hangs), and when an output has
    more to give.
    """
    for stream in inputs:
        _members(dut, stream)[1].value = 0
    for stream in outputs:
        _members(dut, stream)[2].value = 0
    await RisingEdge(dut.clk)
    drivers = [
        cocotb.start_soon(drive(dut, name, values, random.Random(rng.random()), gap))
        for name, values in inputs.items()
    ]
    monitors = {
        name: cocotb.start_soon(collect(dut, name, count, random.Random(rng.random()), stall))
        for name, count in outputs.items()
    }
    taken = {}
    for name, monitor in monitors.items():
        taken[name] = await with_timeout(monitor, cycles * _PERIOD_NS, "ns")
    for driver in drivers:
        await with_timeout(driver, cycles * _PERIOD_NS, "ns")
    for name in outputs:
        await expect_quiet(dut, name, 8)
    return taken


async def settle() -> None:
    """Let combinational logic settle without a clock edge."""
    await Timer(1, unit="ns")


def pack(fields: Iterable[tuple[int, int]]) -> int:
    """Fields (value, width) to one integer, the first in the lowest bits."""
    packed, low = 0, 0
    for value, width in fields:
        packed |= (value & ((1 << width) - 1)) << low
        low += width
    return packed


def unpack(payload: int, widths: Iterable[int]) -> list[int]:
    """One integer to unsigned fields, the lowest bits first."""
    fields = []
    for width in widths:
        fields.append(payload & ((1 << width) - 1))
        payload >>= width
    return fields


def signed(value: int, width: int) -> int:
    """The two's complement reading of an unsigned field."""
    return value - (1 << width) if value >> (width - 1) & 1 else value


def _members(dut, stream: str):
    return tuple(getattr(dut, f"{stream}__{name}") for name in ("payload", "valid", "ready"))
