"""Agents around a component in Amaranth's simulator: all offer, then all look, then the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Protocol

from amaranth.sim import Simulator


class Agent(Protocol):
    """What drives some of a component's inputs and looks at some of its outputs."""

    def offer(self, context: Any) -> None:
        """Set inputs for this cycle."""

    def look(self, context: Any) -> None:
        """See what happens in this cycle, when all inputs are set."""


class Source:
    """Offers ``values`` on an input stream; ``gap`` is the chance of a cycle without one."""

    def __init__(self, stream: Any, values: Iterable[Any], rng: Random, gap: float):
        self.stream, self.rng, self.gap = stream, rng, gap
        self.values = list(values)
        self.offered = False

    def offer(self, context: Any) -> None:
        self.offered = bool(self.values) and (self.offered or self.rng.random() >= self.gap)
        context.set(self.stream.valid, self.offered)
        if self.offered:
            context.set(self.stream.payload, self.values[0])

    def look(self, context: Any) -> None:
        if self.offered and context.get(self.stream.ready):
            self.values.pop(0)
            self.offered = False


class Sink:
    """Takes what an output stream has; an offer stays as it is until it is taken."""

    def __init__(self, stream: Any, rng: Random, stall: float):
        self.stream, self.rng, self.stall = stream, rng, stall
        self.taken: list[Any] = []
        self.waiting: Any = None
        self.ready = False

    def offer(self, context: Any) -> None:
        self.ready = self.rng.random() >= self.stall
        context.set(self.stream.ready, self.ready)

    def look(self, context: Any) -> None:
        if not context.get(self.stream.valid):
            assert self.waiting is None, "offer withdrawn before it was taken"
            return
        value = context.get(self.stream.payload)
        assert self.waiting in (None, value), "payload changed before it was taken"
        self.waiting = None if self.ready else value
        if self.ready:
            self.taken.append(value)


def run_agents(
    component: Any,
    agents: Iterable[Agent],
    done: Callable[[], bool],
    *,
    cycles: int = 20_000,
    quiet: int = 8,
) -> None:
    """Clock ``component`` among ``agents`` until ``done``, and ``quiet`` cycles more.

    Fails when that takes more than ``cycles``.
    """
    agents = list(agents)

    async def bench(context: Any) -> None:
        left = quiet
        for _ in range(cycles):
            for agent in agents:
                agent.offer(context)
            for agent in agents:
                agent.look(context)
            left = left - 1 if done() else quiet
            if not left:
                return
            await context.tick()
        raise AssertionError(f"not done after {cycles} cycles")

    simulator = Simulator(component)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()


def run_without_stalls(
    component: Any, given: tuple[Any, Iterable[Any]], taken: Any, count: int, *, cycles: int
) -> list[Any]:
    """The ``count`` payloads of the stream ``taken``, all within ``cycles``.

    Args:
        given: an input stream, and what it offers in each cycle.
    """
    rng = Random(0)
    source, sink = Source(*given, rng, 0.0), Sink(taken, rng, 0.0)
    run_agents(component, [source, sink], lambda: len(sink.taken) == count, cycles=cycles, quiet=1)
    return sink.taken
