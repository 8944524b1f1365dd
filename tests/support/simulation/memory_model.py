"""A memory behind an engine's memory port, with random latency, gaps and pauses."""

from __future__ import annotations

from random import Random
from typing import Any

#: Commands that the memory has taken and not done.
_UNDER_WAY = 6
#: Chance in a cycle that a pause begins, and its cycles: a refresh.
_PAUSE, _PAUSE_CYCLES = 0.01, 12
#: Most cycles in front of a command's first word.
_LATENCY = 8


class MemoryModel:
    """Does commands one after the other: a read sees what was written by those before it.

    Attributes:
        words: the content.
        commands: (address, words, write) of all commands taken.
    """

    def __init__(self, port: Any, words: list[int], rng: Random, stall: float):
        self.port, self.words, self.rng, self.stall = port, words, rng, stall
        self.commands: list[tuple[int, int, bool]] = []
        self.under_way: list[list] = []
        self.pause = self.latency = 0
        self.offered = False

    def offer(self, context: Any) -> None:
        rng, stall = self.rng, self.stall
        self.pause = _PAUSE_CYCLES if stall and rng.random() < _PAUSE else max(0, self.pause - 1)
        self.latency = max(0, self.latency - 1)
        runs = self.pause == 0 and self.latency == 0
        takes = runs and len(self.under_way) < _UNDER_WAY and rng.random() >= stall
        context.set(self.port.commands.ready, takes)
        address, _, write = self.under_way[0] if self.under_way else (0, 0, None)
        context.set(self.port.written.ready, write is True and runs and rng.random() >= stall)
        if not self.offered:
            self.offered = write is False and runs and rng.random() >= stall
        context.set(self.port.read.valid, self.offered)
        if self.offered:
            context.set(self.port.read.payload, self.words[address])

    def look(self, context: Any) -> None:
        port, rng = self.port, self.rng
        if self.under_way:
            current = self.under_way[0]
            writes = context.get(port.written.valid) and context.get(port.written.ready)
            if writes:
                self.words[current[0]] = context.get(port.written.payload)
            if writes or (self.offered and context.get(port.read.ready)):
                self.offered = False
                current[0] += 1
                current[1] -= 1
                if not current[1]:
                    self.under_way.pop(0)
                    self.latency = rng.randrange(_LATENCY) if self.stall else 0
        if context.get(port.commands.valid) and context.get(port.commands.ready):
            command = context.get(port.commands.payload)
            taken = (command.address, command.count + 1, bool(command.write))
            self.commands.append(taken)
            self.under_way.append(list(taken))
