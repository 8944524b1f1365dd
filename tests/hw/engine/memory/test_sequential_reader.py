"""SequentialReader: the words of its range in order, from the start again after a restart."""

from random import Random

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.design.queues import QueueDesign
from rheobase.hw.engine.memory.sequential_reader import SequentialReader
from tests.hw.benches.stalls import STALLS
from tests.support.simulation.agents import Sink, run_agents
from tests.support.simulation.memory_model import MemoryModel


class Restarts:
    """Restarts the reader with another range, at once and whenever ``taken`` has its number."""

    def __init__(self, reader, sink, rounds):
        self.reader, self.sink, self.rounds = reader, sink, list(rounds)
        self.received = []
        self.prepared = self.running = False

    def offer(self, context):
        restart = False
        if self.prepared:
            self.prepared, restart = False, True
        elif self.rounds and (not self.running or len(self.sink.taken) >= self.rounds[0][2]):
            if self.running:
                self.received.append((self.rounds.pop(0), list(self.sink.taken)))
            self.prepared = bool(self.rounds)
            if self.rounds:
                context.set(self.reader.base, self.rounds[0][0])
                context.set(self.reader.words, self.rounds[0][1])
        context.set(self.reader.restart, restart)
        if restart:
            self.running = True
            # What is offered before the restart, and taken in this cycle, is the last of it.
            self.sink.ready = False
            context.set(self.sink.stream.ready, 0)
            self.sink.taken.clear()

    def look(self, context):
        if context.get(self.reader.restart):
            self.sink.waiting = None


@pytest.mark.parametrize(("gap", "stall"), STALLS)
@pytest.mark.parametrize(
    ("depth", "blocks", "burst", "repeats"),
    [(64, True, 16, True), (8, False, 8, False), (16, True, 2, False), (5, False, 4, True)],
)
def test_range_in_order(depth, blocks, burst, repeats, gap, stall):
    rng = Random(depth)
    reader = SequentialReader(QueueDesign(depth, blocks), burst=burst, repeats=repeats)
    memory = MemoryModel(reader.port, [rng.getrandbits(32) for _ in range(400)], rng, gap)
    sink = Sink(reader.output, rng, stall)
    rounds = []
    for _ in range(6):
        words = rng.choice((1, burst - 1, burst, burst + 1, 3 * burst, 90)) or 1
        base = rng.randrange(400 - words)
        wanted = rng.randrange(3 * words) if repeats else rng.randrange(words + 1)
        rounds.append((base, words, wanted))
    restarts = Restarts(reader, sink, rounds)
    run_agents(reader, [memory, sink, restarts], lambda: not restarts.rounds)
    assert [case for case, _ in restarts.received] == rounds
    for (base, words, wanted), received in restarts.received:
        assert len(received) >= wanted
        assert received == [memory.words[base + i % words] for i in range(len(received))]
        assert repeats or len(received) <= words
    # Nothing is read beyond a range, and every burst is one that was asked for.
    assert all(count <= burst and not write for _, count, write in memory.commands)
    within = [set(range(base, base + words)) for base, words, _ in rounds]
    for address, count, _ in memory.commands:
        assert any(set(range(address, address + count)) <= one for one in within)


def test_ends_behind_the_last_word():
    rng = Random(0)
    reader = SequentialReader(QueueDesign(16), burst=8)
    memory = MemoryModel(reader.port, list(range(100)), rng, 0.0)
    sink = Sink(reader.output, rng, 0.0)
    restarts = Restarts(reader, sink, [(10, 37, 1000)])
    run_agents(reader, [memory, sink, restarts], lambda: len(sink.taken) == 37, quiet=100)
    assert sink.taken == list(range(10, 47))


def test_full_speed():
    """With a memory that gives a word a cycle, the stream does as well."""
    rng = Random(0)
    reader = SequentialReader(QueueDesign(32, blocks=True), burst=8, repeats=True)
    memory = MemoryModel(reader.port, list(range(100)), rng, 0.0)
    sink = Sink(reader.output, rng, 0.0)
    restarts = Restarts(reader, sink, [(0, 96, 10_000)])
    run_agents(reader, [memory, sink, restarts], lambda: len(sink.taken) >= 960, cycles=1010)


def test_queue_holds_a_burst():
    with pytest.raises(RheobaseError, match=r"queue\.depth is 8, must be an integer >= 64"):
        SequentialReader(QueueDesign(8))
    with pytest.raises(RheobaseError, match="burst is 6, must be a power of two up to 64"):
        SequentialReader(QueueDesign(8), burst=6)
