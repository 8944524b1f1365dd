"""WeightLoader: every weight at its ring address of its lane, never over one that is in use."""

from random import Random

import pytest

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.memory.weight_loader import WeightLoader
from rheobase.hw.engine.program import weights_record
from tests.hw.benches.stalls import STALLS
from tests.hw.engine.memory.records import packed
from tests.support.simulation.agents import Source, run_agents


class Lanes:
    """The lanes' memories, and passes that look at all their weights and release them.

    ``hurry`` is the chance that a pass whose weights are there is over.
    """

    def __init__(self, loader, design, passes, rng, hurry=0.05):
        self.loader, self.rng, self.passes = loader, rng, passes
        self.hurry = hurry
        self.ring = [[None] * design.weight_words for _ in range(design.lanes)]
        self.base = self.next = 0
        self.releasing = False

    def offer(self, context):
        self.releasing = False
        if self.next < len(self.passes):
            context.set(self.loader.pass_words, len(self.passes[self.next]))
            self.releasing = bool(context.get(self.loader.ready)) and self.rng.random() < self.hurry
        context.set(self.loader.release, self.releasing)

    def look(self, context):
        write = context.get(self.loader.write)
        if write:
            lane = write.bit_length() - 1
            assert write == 1 << lane
            address, part = context.get(self.loader.address), context.get(self.loader.part)
            # The words of an address come one by one, and the first one is low.
            before = self.ring[lane][address] if part else 0
            assert before < 1 << 32 * part
            self.ring[lane][address] = before | context.get(self.loader.word) << 32 * part
        if self.releasing:
            # All that the pass has is there, until it is released.
            assert context.get(self.loader.base) == self.base
            weights = self.passes[self.next]
            size = len(self.ring[0])
            for offset, lanes in enumerate(weights):
                assert [ring[(self.base + offset) % size] for ring in self.ring] == lanes
            self.base = (self.base + len(weights)) % size
            self.next += 1


def _design(neurons, weight_bits):
    return EngineDesign(lanes=2, neurons=neurons, weight_bits=weight_bits, weight_words=16)


def _front(design, addresses, parts):
    return packed(weights_record(design), {"addresses": addresses, "parts": parts})


@pytest.mark.parametrize(("gap", "_stall"), STALLS[:2])
@pytest.mark.parametrize(("neurons", "weight_bits"), [(8, 4), (16, 8), (8, 5)])
def test_passes_find_their_weights(neurons, weight_bits, gap, _stall):
    design = _design(neurons, weight_bits)
    rng = Random(neurons)
    passes, stream = [], []
    for addresses in (5, 16, 1, 0, 9, 9, 3, 16, 7):
        # Of all P channels, or of fewer.
        parts = rng.randint(1, design.weight_memory_words)
        bits = min(32 * parts, neurons * weight_bits)
        weights = [[rng.getrandbits(bits) for _ in range(design.lanes)] for _ in range(addresses)]
        passes.append(weights)
        stream += _front(design, addresses, parts)
        stream += [
            one >> 32 * part & 0xFFFFFFFF
            for lanes in weights
            for one in lanes
            for part in range(parts)
        ]
    loader = WeightLoader(design)
    lanes = Lanes(loader, design, passes, rng)
    source = Source(loader.words, stream, rng, gap)
    run_agents(loader, [source, lanes], lambda: lanes.next == len(passes))
    assert not source.values


@pytest.mark.parametrize("when", range(9, 16))
def test_clear_begins_anew(when):
    design = _design(8, 4)
    loader = WeightLoader(design)
    rng = Random(0)

    class Clear:
        cycle = 0

        def offer(self, context):
            self.cycle += 1
            context.set(loader.clear, self.cycle == when)
            context.set(loader.pass_words, 4)

        def look(self, context):
            if self.cycle == when:
                # The stream and its passes begin anew; before, no pass releases what came first.
                source.values, source.offered = [*_front(design, 2, 1), 3, 4, 5, 6], False
                lanes.passes.append([[3, 4], [5, 6]])
            if self.cycle == when + 1:
                assert not context.get(loader.ready)

    lanes = Lanes(loader, design, [], rng, hurry=1.0)
    source = Source(loader.words, [*_front(design, 8, 1), *[1] * 12], rng, 0.0)
    clear = Clear()

    def settled():
        return clear.cycle > when + 2 and not source.values and lanes.next == 1

    run_agents(loader, [source, clear, lanes], settled)
