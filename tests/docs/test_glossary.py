"""The window that docs/glossary.md follows: its layer is simulated, its numbers are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Pool, Readout, run_golden
from rheobase.golden.run.statistics import accumulations
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.folding import LayerFolding

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text()
#: What the neurons of the source spell, channel by channel.
NUMBERS = np.array(
    [
        [[5, 0, 1, 0], [0, 2, 0, 0], [3, 0, 0, 1], [0, 0, 4, 0]],
        [[1, 0, 0, 2], [0, 0, 6, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
    ]
)
WEIGHT = np.array(
    [
        [[[3, -1], [0, 2]], [[1, 0], [-2, 1]]],
        [[[-2, 1], [1, 0]], [[2, 2], [0, -1]]],
        [[[1, 1], [1, 1]], [[0, 3], [-1, 0]]],
        [[[0, -3], [2, 1]], [[1, -1], [1, 2]]],
    ],
    np.int8,
)
BIAS, THRESHOLD, INITIAL = [1, 0, -2, 3], 6, 3
STEPS, P, E, F = 3, 2, 2, 1


def _network() -> Network:
    """A layer that hands on what it is given, 32 to the spike's worth, and the one on the page."""
    diagonal = np.eye(2, dtype=np.int8)[:, :, np.newaxis, np.newaxis]
    zeros = np.zeros(2, np.int32)
    source = Layer(
        "source", (Connection(IMAGE, diagonal, 2),), zeros, np.full(2, 32, np.int32), zeros
    )
    followed = Layer(
        "followed",
        (Connection(0, WEIGHT, 4),),
        np.array(BIAS, np.int32),
        np.full(4, THRESHOLD, np.int32),
        np.full(4, INITIAL, np.int32),
        pool=Pool((2, 2), (1, 1)),
    )
    return Network(
        input_shape=(2, 4, 4),
        zero_point=np.zeros(2, np.uint8),
        layers=(source, followed),
        coding=Coding.RADIX,
        steps=STEPS,
        delay=0,
        readout=Readout.COUNT,
        outputs=(1,),
    )


class Followed:
    """The accelerator, and what each of its streams handed on in one image."""

    def __init__(self) -> None:
        network = _network()
        image = (NUMBERS * 32).astype(np.uint8)
        self.golden = run_golden(network, image[np.newaxis], record=True)
        self.accumulations = int(
            accumulations(network.layers[1].connections[0], self.golden.layers[1].events[0], P)[0]
        )
        folding = (LayerFolding(P, 1), LayerFolding(P, E, firing=F))
        self.accelerator = accelerator = Accelerator(network, folding)
        layer = accelerator.layers[1]
        self.connection = layer.connections[0]
        buffer, group = self.connection.buffer, layer.group
        streams = {
            "words": accelerator.layers[0].spikes,
            "jobs": buffer.walker.jobs,
            "passes": buffer.fetcher.passes.passes,
            "slabs": buffer.slabs,
            "joined": layer.join.joined,
            "currents": group.pool.pooled,
            "turns": group.turns.turns,
            "spikes": layer.spikes,
        }
        for number, lane in enumerate(self.connection.lanes):
            streams |= {
                f"words {number}": lane.filter.words,
                f"events {number}": lane.scanner.events,
                f"sums {number}": lane.sums,
            }
        self.seen = _record(accelerator, streams, image)


def _record(accelerator: Accelerator, streams: dict[str, Any], image: np.ndarray) -> dict:
    """What each stream hands on until the image's last score has come."""
    pixels = [int.from_bytes(bytes(p), "little") for p in image.reshape(len(image), -1).T.tolist()]
    seen: dict[str, list] = {name: [] for name in streams}

    async def bench(context) -> None:
        context.set(accelerator.steps, STEPS)
        context.set(accelerator.results.ready, 1)
        waiting = list(pixels)
        scores = len(BIAS) * 4
        for _ in range(2000):
            context.set(accelerator.pixels.valid, bool(waiting))
            context.set(accelerator.pixels.payload.as_value(), waiting[0] if waiting else 0)
            for name, given in streams.items():
                if context.get(given.valid) and context.get(given.ready):
                    seen[name].append(context.get(given.payload))
            if waiting and context.get(accelerator.pixels.ready):
                waiting.pop(0)
            scores -= context.get(accelerator.results.valid)
            if not scores:
                return
            await context.tick()
        raise AssertionError("no end of the image in 2,000 cycles")

    simulator = Simulator(accelerator)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


@pytest.fixture(scope="module")
def followed() -> Followed:
    return Followed()


def _number(value: int) -> str:
    """As the page writes it, with a minus sign."""
    return str(value).replace("-", "\N{MINUS SIGN}")


def _pair(values: Any) -> str:
    return ", ".join(_number(int(value)) for value in values)


def _bits(words: list[int]) -> str:
    return ", ".join(f"{word:0{P}b}" for word in words)


def _stand(*texts: str) -> None:
    """Fail unless the page has each of ``texts``, however its lines are broken."""
    page = " ".join(PAGE.split())
    assert [text for text in texts if text not in page] == []


def test_map_and_buffer(followed: Followed) -> None:
    rows = [
        f"    {' '.join(map(str, left))}        {' '.join(map(str, right))}\n"
        for left, right in zip(*NUMBERS, strict=True)
    ]
    assert "".join(rows) in PAGE
    geometry, seen = followed.connection.design.geometry, followed.seen
    assert geometry.span == (3, 3)
    memory = followed.connection.buffer.row_shape
    assert (memory.width, geometry.depth) == (geometry.slots * geometry.channels, 12)
    _stand(
        f"{len(seen['words'])} for the map",
        f"its words are {_bits(seen['words'][:STEPS])}",
        f"ring of {geometry.slots} slots",
        f"{geometry.slots} slots × {geometry.channels} channels = {memory.width} bits",
        f"{geometry.columns} columns × {geometry.steps} steps = {geometry.depth}",
    )
    assert followed.connection.select is None  # the part is the whole map


def test_jobs_units_passes_and_slabs(followed: Followed) -> None:
    seen = followed.seen
    units = [x for x in seen["passes"] if x.last]
    _stand(
        f"2 × 2 pooled outputs: {len(seen['jobs'])} jobs",
        f"4 × 4 × 2 = {len(units)}",
        f"a pass for each plane: {STEPS}, and {len(seen['passes'])} in all",
    )
    first = units[0].unit
    assert (first.position, first.group) == (0, 0)
    number = 0
    for slab in seen["slabs"][: 2 * STEPS]:
        number += slab.slab == 0
        rows = [[int(row[0][0]) >> channel & 1 for channel in range(2)] for row in slab.bits]
        told = " | ".join(f"{a} {b}" for a, b in rows)
        worth = 2 ** (STEPS - number)
        _stand(f"| {number} | {worth} | {slab.slab} | {told} | {slab.new_plane} | {slab.last} |")


def test_lanes(followed: Followed) -> None:
    connection, seen = followed.connection, followed.seen
    taps = [[(tap.row, tap.channel) for tap in share.taps] for share in connection.design.shares]
    assert taps == [[(0, 0), (1, 1)], [(1, 0), (0, 1)]]
    for number, lane in enumerate(connection.lanes):
        total = np.zeros(P, np.int64)
        events = seen[f"events {number}"]
        for cycle, event in enumerate(events, 1):
            weights = lane.accumulator.weights[event.address]
            total = (total << event.shift) + weights * event.add
            told = f"{event.address} | {_pair(weights)}" if event.add else "|"
            _stand(f"| {number} | {cycle} | {told} | {_pair(total)} |")
            if event.last:
                break
        assert total.tolist() == list(seen[f"sums {number}"][0])
    added = [sum(event.add for event in seen[f"events {number}"]) for number in range(len(taps))]
    assert sum(added) == followed.accumulations
    _stand(
        f"has {followed.accumulations} accumulations in {len(seen['joined'])} units",
        f"The lanes make {len(seen['words 0'])} and {len(seen['words 1'])} lane words of "
        f"{len(seen['slabs'])} slabs",
    )


def test_join_pool_and_neurons(followed: Followed) -> None:
    seen = followed.seen
    first, *others = [list(x.sums) for x in seen["joined"][:4]]
    window = NUMBERS[:, :2, :2]
    assert first == [int((WEIGHT[channel] * window).sum()) for channel in range(P)]
    largest = list(seen["currents"][0].currents)
    assert largest == np.max([first, *others], axis=0).tolist()
    _stand(
        f"sums are added: {_pair(first)}.",
        f"give {' and '.join(_pair(sums) for sums in others)}.",
        f"The maxima are {_pair(largest)}.",
        f"Neurons take {len(seen['turns'])} turns for {len(seen['currents'])} groups of currents, "
        f"and give {len(seen['spikes'])} spike words.",
    )
    currents = [value + bias for value, bias in zip(largest, BIAS[:P], strict=True)]
    potentials = [current + INITIAL for current in currents]
    _stand(
        f"currents are {currents[0]} and {currents[1]}, potentials {potentials[0]} and "
        f"{potentials[1]}"
    )
    words = seen["spikes"][:STEPS]
    _stand(f"spike words of group 0 are {_bits(words)}.")
    for turn, potential in enumerate(potentials):
        assert list(seen["turns"][turn].currents) == [largest[turn]]
        left, told, spelled = potential, [], 0
        for step, word in enumerate(words):
            worth = 2 ** (STEPS - 1 - step)
            spikes = left >= worth * THRESHOLD
            assert spikes == bool(word >> turn & 1)
            left -= worth * THRESHOLD * spikes
            spelled += worth * spikes
            told.append(f"spike, {left} is left" if spikes else "none")
        assert spelled == followed.golden.outputs[0][0, turn, 0, 0]
        _stand(f"| {turn} | {potential} | {' | '.join(told)} | {spelled} |")
