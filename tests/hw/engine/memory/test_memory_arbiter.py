"""MemoryArbiter: clients with a region each see what they would see alone."""

from itertools import groupby
from random import Random

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.engine.memory.memory_arbiter import MemoryArbiter
from tests.hw.benches.stalls import STALLS
from tests.hw.engine.memory.clients import client_case
from tests.support.simulation.agents import Sink, Source, run_agents
from tests.support.simulation.memory_model import MemoryModel

REGION = 70


@pytest.mark.parametrize(
    ("clients", "writers", "background", "gap", "stall"),
    [
        *((4, [3], [1], gap, stall) for gap, stall in STALLS),
        (4, [3], [], 0.4, 0.4),
        (3, [0, 2], [], 0.0, 0.0),
        (3, [0, 2], [0], 0.4, 0.4),
        (2, [], [], 0.4, 0.4),
        (1, [0], [], 0.4, 0.4),
    ],
)
def test_clients_see_their_regions_as_if_alone(clients, writers, background, gap, stall):
    rng = Random(clients)
    arbiter = MemoryArbiter(clients, writers, background)
    content = list(range(clients * REGION))
    memory = MemoryModel(arbiter.port, list(content), rng, stall)
    cases, sources, reads = [], [], []
    for number, port in enumerate(arbiter.clients):
        first, writes = number * REGION, number in writers
        case = client_case(first, content[first : first + REGION], 6, rng, writes=writes)
        sources += [Source(port.commands, case.commands, rng, gap)]
        if writes:
            sources += [Source(port.written, case.written, rng, gap)]
        reads.append(Sink(port.read, rng, stall))
        cases.append(case)

    def done():
        lacks = any(len(s.taken) < len(c.read) for s, c in zip(reads, cases, strict=True))
        return not lacks and not memory.under_way and not any(s.values for s in sources)

    run_agents(arbiter, [memory, *sources, *reads], done)
    assert [sink.taken for sink in reads] == [case.read for case in cases]
    assert memory.words == [word for case in cases for word in case.region]


def test_turns_of_many_words():
    """All want all the time: each goes on until it has had its words, then the next one does."""
    rng = Random(1)
    bursts = (1, 5, 64, 40)
    arbiter = MemoryArbiter(4, [1, 3])
    memory = MemoryModel(arbiter.port, [0] * 512, rng, 0.0)
    agents = [memory]
    for number, port in enumerate(arbiter.clients):
        writes = number in (1, 3)
        command = {"address": number * 64, "count": bursts[number] - 1, "write": writes}
        agents += [Source(port.commands, [command] * 400, rng, 0.0)]
        agents += [Source(port.written, [0] * 4000, rng, 0.0)] if writes else []
        agents += [Sink(port.read, rng, 0.0)]
    run_agents(arbiter, agents, lambda: len(memory.commands) >= 200, quiet=1)
    turns = [
        (client, sum(1 for _ in commands))
        for client, commands in groupby(address // 64 for address, _, _ in memory.commands)
    ]
    # 64 of one word, 13 of five, one of 64, two of 40.
    expected = [(0, 64), (1, 13), (2, 1), (3, 2)]
    assert turns[:8] == expected * 2


def test_a_client_that_wants_nothing_is_passed_over():
    rng = Random(1)
    arbiter = MemoryArbiter(3, [])
    memory = MemoryModel(arbiter.port, [0] * 300, rng, 0.0)
    agents = [memory, *(Sink(port.read, rng, 0.0) for port in arbiter.clients)]
    for number, commands in ((0, 3), (2, 5)):
        given = [{"address": 100 * number, "count": 63, "write": 0}] * commands
        agents.append(Source(arbiter.clients[number].commands, given, rng, 0.0))
    run_agents(arbiter, agents, lambda: len(memory.commands) == 8)
    assert [address // 100 for address, _, _ in memory.commands] == [0, 2, 0, 2, 0, 2, 2, 2]


def test_the_background_comes_behind_all_others():
    rng = Random(1)
    arbiter = MemoryArbiter(3, [], background=[1])
    memory = MemoryModel(arbiter.port, [0] * 300, rng, 0.0)
    agents = [memory, *(Sink(port.read, rng, 0.0) for port in arbiter.clients)]
    for number, commands in ((0, 3), (1, 4), (2, 5)):
        given = [{"address": 100 * number, "count": 63, "write": 0}] * commands
        agents.append(Source(arbiter.clients[number].commands, given, rng, 0.0))
    run_agents(arbiter, agents, lambda: len(memory.commands) == 12)
    assert [address // 100 for address, _, _ in memory.commands] == [
        *[0, 2, 0, 2, 0, 2, 2, 2],
        *[1, 1, 1, 1],
    ]


@pytest.mark.parametrize("name", ["writers", "background"])
def test_wrong_clients(name):
    with pytest.raises(RheobaseError, match=rf"{name} is 4, must be an integer in 0\.\.3"):
        MemoryArbiter(4, **({"writers": []} | {name: [4]}))
