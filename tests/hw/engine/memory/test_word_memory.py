"""WordMemory against a list of entries."""

from random import Random

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.engine.memory.word_memory import WordMemory
from tests.support.simulation.agents import run_agents


class User:
    """Writes words and looks entries up at random, never one that is being written."""

    def __init__(self, component, rng):
        self.component, self.rng = component, rng
        self.words = [[0] * component.parts for _ in range(component.depth)]
        self.cycles = 0
        self.expected = None
        self.looked_up = 0

    def offer(self, context):
        component, rng = self.component, self.rng
        index, part = rng.randrange(component.depth), rng.randrange(component.parts)
        read_index, word = rng.randrange(component.depth), rng.getrandbits(32)
        write, read = rng.random() < 0.6, rng.random() < 0.6
        read = read and not (write and index == read_index)
        for name, value in {
            "index": index,
            "part": part,
            "word": word,
            "write": write,
            "read": read,
            "read_index": read_index,
        }.items():
            context.set(getattr(component, name), value)
        self.change = (index, part, word) if write else None
        self.reads = read_index if read else None

    def look(self, context):
        if self.expected is not None:
            assert context.get(self.component.entry) == self.expected
        if self.reads is not None:
            entry = sum(word << 32 * part for part, word in enumerate(self.words[self.reads]))
            self.expected = entry & ((1 << self.component.width) - 1)
            self.looked_up += 1
        if self.change:
            index, part, word = self.change
            self.words[index][part] = word
        self.cycles += 1


@pytest.mark.parametrize(("width", "depth"), [(96, 8), (70, 6), (32, 5), (9, 16)])
def test_entries_are_what_was_written(width, depth):
    component = WordMemory(width, depth)
    assert component.parts == -(-width // 32)
    user = User(component, Random(width))
    run_agents(component, [user], lambda: user.cycles > 600)
    assert user.looked_up > 150


def test_refusals():
    with pytest.raises(RheobaseError, match="width is 0, must be"):
        WordMemory(0, 4)
    with pytest.raises(RheobaseError, match="depth is 0, must be"):
        WordMemory(4, 0)
