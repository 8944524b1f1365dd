"""What is behind a memory port: block RAM, and the adapter to LiteDRAM."""

from random import Random

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.design.queues import QueueDesign
from rheobase.hw.engine.memory.block_memory import BlockMemory
from rheobase.hw.engine.memory.litedram_port import LiteDramPort
from tests.hw.benches.stalls import STALLS
from tests.hw.engine.memory.clients import client_case
from tests.support.simulation.agents import Sink, Source, run_agents, run_without_stalls
from tests.support.simulation.native_port_model import NativePortModel

WORDS = 128


def _exchange(component, content, rng, gap, stall, others=()):
    """Random commands against ``component``; returns what the memory must hold then."""
    case = client_case(0, content, 15, rng, writes=True)
    port = component.port
    commands = Source(port.commands, case.commands, rng, gap)
    written = Source(port.written, case.written, rng, gap)
    read = Sink(port.read, rng, stall)

    def done():
        return not commands.values and not written.values and len(read.taken) >= len(case.read)

    run_agents(component, [*others, commands, written, read], done, quiet=60)
    assert read.taken == case.read
    return case.region


@pytest.mark.parametrize(("gap", "stall"), STALLS)
def test_block_memory(gap, stall):
    rng = Random(1)
    content = [rng.getrandbits(32) for _ in range(100)]
    memory = BlockMemory(WORDS, content)
    _exchange(memory, content + [0] * 28, rng, gap, stall)


def test_block_memory_gives_a_word_a_cycle():
    memory = BlockMemory(WORDS, range(WORDS))
    bursts = [
        {"address": a, "count": c, "write": 0} for a, c in ((0, 63), (64, 0), (70, 0), (3, 9))
    ]
    read = run_without_stalls(
        memory, (memory.port.commands, bursts), memory.port.read, 76, cycles=79
    )
    assert read == [*range(64), 64, 70, *range(3, 13)]


def test_block_memory_is_a_power_of_two():
    with pytest.raises(RheobaseError, match="words is 100, must be a power of two"):
        BlockMemory(100)
    with pytest.raises(RheobaseError, match=r"content is 17, must be an integer in 0\.\.16"):
        BlockMemory(16, range(17))


@pytest.mark.parametrize(("gap", "stall"), STALLS)
@pytest.mark.parametrize(("data_bits", "depth"), [(16, 64), (32, 4)])
def test_litedram_port(data_bits, depth, gap, stall):
    rng = Random(depth)
    component = LiteDramPort(data_bits, 10, QueueDesign(depth, blocks=depth > 16))
    content = [rng.getrandbits(32) for _ in range(WORDS)]
    parts = 32 // data_bits
    mask = (1 << data_bits) - 1
    native = [word >> data_bits * part & mask for word in content for part in range(parts)]
    model = NativePortModel(component.native, native, rng, gap)
    region = _exchange(component, content, rng, gap, stall, [model])
    held = [
        sum(native[index * parts + part] << data_bits * part for part in range(parts))
        for index in range(WORDS)
    ]
    assert held == region


def test_litedram_port_has_16_or_32_bits():
    with pytest.raises(RheobaseError, match="data_bits is 64, must be 16 or 32"):
        LiteDramPort(64, 20)
