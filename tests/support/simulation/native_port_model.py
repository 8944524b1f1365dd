"""A LiteDRAM core's native port, with random latency and refresh pauses."""

from __future__ import annotations

from random import Random
from typing import Any

#: Cycles from a command to its data, at the least and at the most when nothing holds it up.
_LATENCY = (3, 9)
#: Commands that are under way.
_UNDER_WAY = 12
#: Chance in a cycle that a refresh begins, and its cycles.
_REFRESH, _REFRESH_CYCLES = 0.02, 15


class NativePortModel:
    """Does commands in order. It neither waits for data to write nor for room for what is read.

    Attributes:
        words: content, in words of the port.
    """

    def __init__(self, native: Any, words: list[int], rng: Random, stall: float):
        self.native, self.words, self.rng, self.stall = native, words, rng, stall
        self.under_way: list[tuple[int, bool, int]] = []
        self.cycle = self.pause = 0
        self.now: tuple[int, bool] | None = None

    def offer(self, context: Any) -> None:
        native, rng = self.native, self.rng
        self.cycle += 1
        refreshes = self.stall and rng.random() < _REFRESH
        self.pause = _REFRESH_CYCLES if refreshes else max(0, self.pause - 1)
        runs = self.pause == 0 and rng.random() >= self.stall
        context.set(native.cmd_ready, runs and len(self.under_way) < _UNDER_WAY)
        self.now = None
        if self.under_way and self.under_way[0][2] <= self.cycle and runs:
            self.now = self.under_way.pop(0)[:2]
        address, write = self.now or (0, None)
        context.set(native.wdata_ready, write is True)
        context.set(native.rdata_valid, write is False)
        # Anything, while there is none.
        data = self.words[address] if write is False else rng.getrandbits(16)
        context.set(native.rdata_data, data)

    def look(self, context: Any) -> None:
        native = self.native
        if self.now and self.now[1]:
            assert context.get(native.wdata_valid), "nothing to write"
            assert context.get(native.wdata_we) == (1 << len(native.wdata_we)) - 1
            self.words[self.now[0]] = context.get(native.wdata_data)
        if self.now and not self.now[1]:
            assert context.get(native.rdata_ready), "no room for what is read"
        if context.get(native.cmd_valid) and context.get(native.cmd_ready):
            due = self.cycle + self.rng.randint(*_LATENCY)
            address, write = context.get(native.cmd_addr), context.get(native.cmd_we)
            self.under_way.append((address, bool(write), due))
