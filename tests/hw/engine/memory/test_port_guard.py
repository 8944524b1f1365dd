"""PortGuard: an engine writes within its words alone, and the memory changes hands at rest."""

from random import Random

import pytest

from rheobase.hw.engine.memory.port_guard import PortGuard
from tests.hw.benches.stalls import STALLS
from tests.hw.engine.memory.clients import client_case
from tests.support.simulation.agents import Sink, Source, run_agents
from tests.support.simulation.memory_model import MemoryModel

#: Words of the memory, and those from LOW on, below LIMIT, that the engine may write.
WORDS, LOW, LIMIT = 420, 100, 300


class Range:
    """The guard's words from LOW on, below LIMIT, and the cycles in which ``signal`` is high."""

    def __init__(self, guard, signal):
        self.guard, self.signal = guard, signal
        self.high = 0

    def offer(self, context):
        context.set(self.guard.low, LOW)
        context.set(self.guard.limit, LIMIT)

    def look(self, context):
        self.high += context.get(self.signal)


class Turns:
    """The host takes the memory when the memory has taken so many commands, for a few of its own.

    The memory is at rest whenever it changes hands.
    """

    def __init__(self, guard, memory, turns, rng, gap, stall):
        self.guard, self.memory, self.turns = guard, memory, list(turns)
        self.commands, self.written = _sources(guard.host, [], [], rng, gap)
        self.read = Sink(guard.host.read, rng, stall)
        self.expected = []
        self.held = self.pause = self.asked = False

    def offer(self, context):
        at_rest = not (self.commands.values or self.written.values or self.memory.under_way)
        if self.asked and at_rest and len(self.read.taken) == len(self.expected):
            self.pause = self.asked = False
        elif self.turns and not self.held and len(self.memory.commands) >= self.turns[0][0]:
            self.pause = True
        context.set(self.guard.pause, self.pause)
        for agent in (self.commands, self.written, self.read):
            agent.offer(context)

    def look(self, context):
        for agent in (self.commands, self.written, self.read):
            agent.look(context)
        held = bool(context.get(self.guard.held))
        assert held == self.held or not self.memory.under_way, "changes hands under way"
        self.held = held
        if held and self.pause and not self.asked:
            _, case = self.turns.pop(0)
            self.commands.values += case.commands
            self.written.values += case.written
            self.expected += case.read
            self.asked = True

    @property
    def over(self):
        return not self.turns and not self.asked and not self.held


def _sources(port, commands, written, rng, gap):
    return [Source(port.commands, commands, rng, gap), Source(port.written, written, rng, gap)]


@pytest.mark.parametrize(("gap", "stall"), STALLS)
def test_writes_outside_do_not_reach_the_memory(gap, stall):
    rng = Random(1)
    guard = PortGuard()
    content = list(range(WORDS))
    memory = MemoryModel(guard.memory, list(content), rng, stall)
    commands, written, read, refused = [], [], [], 0
    bursts = [(LOW - 1, 1), (LOW - 1, 2), (LOW, 1), (LIMIT - 1, 1), (LIMIT - 1, 2), (LIMIT, 3)]
    bursts += [(rng.randrange(WORDS - 64), rng.choice((1, 2, 9, 64))) for _ in range(30)]
    for first, count in bursts:
        for write in (True, False):
            commands.append({"address": first, "count": count - 1, "write": write})
            if not write:
                read += content[first : first + count]
                continue
            words = [rng.getrandbits(32) for _ in range(count)]
            written += words
            if set(range(first, first + count)) <= set(range(LOW, LIMIT)):
                content[first : first + count] = words
            else:
                refused += 1
    sink = Sink(guard.engine.read, rng, stall)
    watch = Range(guard, guard.refused)
    sources = _sources(guard.engine, commands, written, rng, gap)

    def done():
        return len(sink.taken) == len(read) and not any(s.values for s in sources)

    run_agents(guard, [memory, *sources, sink, watch], done)
    assert sink.taken == read
    assert memory.words == content
    assert watch.high == refused
    assert refused > 6


@pytest.mark.parametrize(("gap", "stall"), STALLS)
def test_host_and_engine_see_their_words_as_if_alone(gap, stall):
    rng = Random(2)
    guard = PortGuard()
    content = list(range(WORDS))
    memory = MemoryModel(guard.memory, list(content), rng, stall)
    own = client_case(LOW, content[LOW:LIMIT], 40, rng, writes=True)
    turns, hosts = [], content[:LOW]
    for after in (0, 3, 11, 20, 21, 35):
        case = client_case(0, hosts, 4, rng, writes=True)
        hosts = case.region
        turns.append((after, case))
    sink = Sink(guard.engine.read, rng, stall)
    host = Turns(guard, memory, turns, rng, gap, stall)
    watch = Range(guard, guard.outside)
    sources = _sources(guard.engine, own.commands, own.written, rng, gap)

    def done():
        moved = len(sink.taken) == len(own.read) and not any(s.values for s in sources)
        return moved and host.over and not memory.under_way

    run_agents(guard, [memory, *sources, sink, host, watch], done)
    assert sink.taken == own.read
    assert host.read.taken == host.expected
    assert memory.words == [*hosts, *own.region, *content[LIMIT:]]
    assert watch.high == sum(c["write"] for _, case in turns for c in case.commands)


class Drain:
    """Pauses and drains from a cycle on."""

    def __init__(self, guard, first):
        self.guard, self.first, self.cycle = guard, first, 0
        self.held = False

    def offer(self, context):
        self.cycle += 1
        for port in (self.guard.pause, self.guard.drain):
            context.set(port, self.cycle >= self.first)

    def look(self, context):
        self.held = bool(context.get(self.guard.held))


@pytest.mark.parametrize("first", [1, 5, 60, 90])
def test_an_engine_that_stands_still_is_drained(first):
    """It takes no word that it read, and gives two of the nine that it was to write."""
    rng = Random(first)
    guard = PortGuard()
    memory = MemoryModel(guard.memory, [7] * WORDS, rng, 0.2)
    commands = [
        {"address": LOW, "count": 8, "write": True},
        {"address": 0, "count": 30, "write": False},
        {"address": LIMIT, "count": 3, "write": True},
        {"address": 5, "count": 1, "write": False},
    ]
    drain = Drain(guard, first)
    agents = [
        memory,
        *_sources(guard.engine, commands, [1, 2], rng, 0.0),
        Range(guard, guard.refused),
        drain,
    ]
    run_agents(guard, agents, lambda: drain.held and not memory.under_way, cycles=600)
    outside = memory.words[:LOW] + memory.words[LOW + 9 :]
    assert outside == [7] * (WORDS - 9)
