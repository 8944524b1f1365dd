"""A lane of the engine, and its parts, against plain enumeration."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from rheobase.hw.engine.beat_fork import BeatFork
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.lanes.engine_lane import EngineLane
from rheobase.hw.engine.layouts import LANE_BITS, BeatLayout, turn_sums_layout
from tests.hw.engine.started import run_started
from tests.hw.engine.taken_turns import take_turns

DESIGN = EngineDesign(
    lanes=4,
    neurons=16,
    weight_bits=5,
    weight_words=64,
    list_entries=32,
    sum_bits=14,
    groups=4,
    rate_turns=64,
)
_GIVEN = ("groups", "turns", "stride", "base", "load", "load_address", "load_part", "load_word")
_END = {
    "bits": [0] * DESIGN.lanes,
    "mask": 0,
    "weight": 0,
    "signed_source": 0,
    "odd": 0,
    "sign_bit": 0,
    "flat": 0,
    "ends_window": 1,
    "ends_strip": 0,
}


def _windows(rng, lane, density, strips):
    """Beats of random windows, and the events of each: (weight, factor)."""
    beats, found = [], []
    for _ in range(strips):
        strip, size = [], int(rng.integers(1, 3))
        for window in range(size):
            events = []
            for _ in range(int(rng.integers(3)) + (3 if density > 0.2 else 0)):
                bits = rng.random((DESIGN.lanes, LANE_BITS)) < density
                beat = {
                    "bits": [int("".join(map(str, map(int, row[::-1]))), 2) for row in bits],
                    "mask": int(rng.integers(1 << DESIGN.lanes)),
                    "weight": int(rng.integers(8)),
                    "signed_source": int(rng.integers(2)),
                    "odd": int(rng.integers(2)),
                    "sign_bit": 0,
                    "flat": int(rng.integers(2)),
                    "ends_window": 0,
                    "ends_strip": 0,
                }
                beat["sign_bit"] = int(rng.integers(8 if beat["odd"] else 4))
                beats.append(beat)
                if not beat["mask"] >> lane & 1:
                    continue
                for place in np.flatnonzero(bits[lane]):
                    bit = place % 4 + (4 if beat["odd"] and lane % 2 else 0)
                    sign = -1 if beat["signed_source"] and bit == beat["sign_bit"] else 1
                    worth = 1 if beat["flat"] else 2 ** (place % 4)
                    events.append((beat["weight"] + place // 4, sign * worth))
            beats.append(_END | {"ends_strip": int(window == size - 1)})
            strip.append(events)
        found.append(strip)
    return beats, found


class _ForkedLane(wiring.Component):
    """A lane behind what gives it its beats; the others have room."""

    def __init__(self, lane):
        self.fork, self.lane = BeatFork(DESIGN), EngineLane(DESIGN, lane)
        members = {"beats": self.fork.signature.members["beats"]}
        members["taken"] = Out(stream.Signature(turn_sums_layout(DESIGN)))
        super().__init__(members | {name: self.lane.signature.members[name] for name in _GIVEN})

    def elaborate(self, platform):
        m = Module()
        m.submodules.fork, m.submodules.lane = fork, lane = self.fork, self.lane
        wiring.connect(m, wiring.flipped(self.beats), fork.beats)
        take_turns(m, lane, wiring.flipped(self.taken), most=DESIGN.turns_ahead)
        m.d.comb += [lane.valid.eq(fork.valid), lane.beat.eq(fork.beat)]
        m.d.comb += fork.room.eq(lane.room.replicate(DESIGN.lanes))
        for name in _GIVEN:
            m.d.comb += getattr(lane, name).eq(getattr(self, name))
        return m


@pytest.mark.parametrize(
    ("lane", "groups", "density"), [(0, 1, 0.2), (1, 3, 0.05), (3, 4, 0.02), (2, 1, 0.6)]
)
def test_sums_of_every_unit(lane, groups, density):
    rng = np.random.default_rng(lane)
    weights = rng.integers(-16, 16, (DESIGN.weight_words, DESIGN.neurons))
    beats, strips = _windows(rng, lane, density, 25)
    base, stride = 50, 13
    expected = []
    for strip in strips:
        for group in range(groups):
            for events in strip:
                total = np.zeros(DESIGN.neurons, int)
                for weight, factor in events:
                    address = (base + group * stride + weight) % DESIGN.weight_words
                    total += factor * weights[address]
                expected.append(total.tolist())
    component = _ForkedLane(lane)
    words = [sum((int(w) & 31) << 5 * place for place, w in enumerate(row)) for row in weights]
    loads = iter(
        (address, part, word >> 32 * part & 0xFFFFFFFF)
        for address, word in enumerate(words)
        for part in range(DESIGN.weight_memory_words)
    )

    def load(context):
        # Weights come while the first beats are on their way.
        entry = next(loads, None)
        context.set(component.load, entry is not None)
        if entry is not None:
            context.set(component.load_address, entry[0])
            context.set(component.load_part, entry[1])
            context.set(component.load_word, entry[2])

    layout = BeatLayout(DESIGN)
    waits = [_END | {"ends_window": 0}] * DESIGN.weight_words * DESIGN.weight_memory_words
    taken = run_started(
        component,
        ports={
            "groups": (component.groups.shape(), groups),
            "turns": (component.turns.shape(), DESIGN.turns),
            "stride": (component.stride.shape(), stride),
            "base": (component.base.shape(), base),
        },
        inputs={"beats": (layout, waits + beats)},
        outputs={"taken": turn_sums_layout(DESIGN)},
        each_cycle=load,
        starts=False,
        # Beats come faster than their many events are looked at, so that words fill their places.
        gap=0 if density > 0.2 else 0.3,
    )
    size = DESIGN.firing
    turns = [unit[first : first + size] for unit in expected for first in range(0, 2 * size, size)]
    assert taken["taken"] == turns
