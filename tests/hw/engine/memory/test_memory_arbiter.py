"""MemoryArbiter: clients with a region each see what they would see alone."""

from itertools import pairwise
from random import Random

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.engine.memory.memory_arbiter import WRITES_TOGETHER, MemoryArbiter
from tests.hw.benches.stalls import STALLS
from tests.hw.engine.memory.clients import client_case
from tests.support.simulation.agents import Sink, Source, run_agents
from tests.support.simulation.memory_model import MemoryModel

REGION = 70


@pytest.mark.parametrize(
    ("clients", "writers", "gap", "stall"),
    [
        *((4, [3], gap, stall) for gap, stall in STALLS),
        (3, [0, 2], 0.0, 0.0),
        (3, [0, 2], 0.4, 0.4),
        (2, [], 0.4, 0.4),
        (1, [0], 0.4, 0.4),
    ],
)
def test_clients_see_their_regions_as_if_alone(clients, writers, gap, stall):
    rng = Random(clients)
    arbiter = MemoryArbiter(clients, writers)
    content = list(range(clients * REGION))
    memory = MemoryModel(arbiter.port, list(content), rng, stall)
    cases, sources, reads = [], [], []
    for number, port in enumerate(arbiter.clients):
        first, writes = number * REGION, number in writers
        case = client_case(first, content[first : first + REGION], 8, rng, writes=writes)
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


@pytest.mark.parametrize("writers", [[2], [0, 1, 2]])
def test_nobody_starves(writers):
    """All want all the time: between two grants of a client the others have their turn once."""
    rng = Random(1)
    arbiter = MemoryArbiter(3, writers)
    memory = MemoryModel(arbiter.port, [0] * 3, rng, 0.0)
    agents = [memory]
    for number, port in enumerate(arbiter.clients):
        writes = number in writers
        command = {"address": number, "count": 0, "write": writes}
        agents += [Source(port.commands, [command] * 200, rng, 0.0)]
        agents += [Source(port.written, [0] * 200, rng, 0.0)] if writes else []
        agents += [Sink(port.read, rng, 0.0)]
    run_agents(arbiter, agents, lambda: len(memory.commands) >= 150)
    order = [address for address, _, _ in memory.commands][:150]
    for number in range(3):
        turns = [index for index, client in enumerate(order) if client == number]
        gaps = [after - before for before, after in pairwise(turns)]
        others = sum(WRITES_TOGETHER if n in writers else 1 for n in range(3) if n != number)
        assert max(gaps) == others + 1
        # Writes come together, reads one by one.
        together = 1 if number not in writers else WRITES_TOGETHER
        assert order[turns[0] : turns[0] + together] == [number] * together


def test_wrong_writer():
    with pytest.raises(RheobaseError, match=r"writers is 4, must be an integer in 0\.\.3"):
        MemoryArbiter(4, [4])
