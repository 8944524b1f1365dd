"""Every memory that is predicted is built, and no other, whatever network and folding."""

import re
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from amaranth.back import rtlil

from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.folding import WeightMemory
from rheobase.hw.planning.area import layer_items
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import random_folding, random_network
from tests.support.networks.rare_graphs import RARE, rare_network
from tests.support.networks.residual_networks import residual_network
from tests.support.slow import mostly_slow

#: (words, bits of a word, whether it is read with the clock, its style).
Memories = Counter[tuple[int, int, bool, str | None]]

_MEMORY = re.compile(r"memory width (\d+) size (\d+) (\\\S+)")
_STYLE = re.compile(r'attribute \\ram_style "(\w+)"')


def _built(accelerator: Accelerator) -> Memories:
    """Memories of the netlist that Amaranth makes."""
    found: Memories = Counter()
    for module in rtlil.convert(accelerator, name="top", emit_src=False).split("\nend\n"):
        # The read ports of each memory, which all are of one kind.
        clocked = {}
        for cell in module.split("cell $memrd_v2 ")[1:]:
            name = re.search(r'parameter \\MEMID "\\(\\\S+)"', cell)[1]
            clocked[name] = "parameter \\CLK_ENABLE 1\n" in cell.split("\n  end")[0]
        style = None
        for line in map(str.strip, module.splitlines()):
            if match := _STYLE.fullmatch(line):
                style = match[1]
            elif match := _MEMORY.fullmatch(line):
                width, words, name = match.groups()
                found[int(words), int(width), clocked[name], style] += 1
                style = None
            elif not line.startswith("attribute"):
                style = None
    return found


def _predicted(accelerator: Accelerator) -> Memories:
    """Memories that the area of the layers is worked out of."""
    found: Memories = Counter()
    for item in (item for design in accelerator.design for item in layer_items(design)):
        for shape in item.memories:
            # What is written and yet logic is read in the cycle of its address.
            clocked = shape.written is None or shape.style != "logic"
            style = shape.style if clocked else None
            found[shape.words, shape.width, clocked, style] += item.count
        for shape in item.distributed:
            found[shape.words, shape.width, False, None] += item.count
    return found


def _check(network, folding) -> None:
    accelerator = Accelerator(network, folding)
    assert _built(accelerator) == _predicted(accelerator)


def _with_memories(rng: np.random.Generator, folding):
    """``folding`` with weights in any kind of memory."""
    kinds = (None, *WeightMemory)
    return tuple(replace(fold, weight_memory=kinds[rng.integers(3)]) for fold in folding)


@pytest.mark.parametrize("seed", mostly_slow(range(6), 0))
def test_random_networks(seed):
    rng = np.random.default_rng(seed)
    network = random_network(
        rng,
        coding=list(Coding)[seed % 2],
        readout=list(Readout)[seed // 2 % 2],
        rule=PoolRule.CUMULATIVE,
        steps=1 + seed % 4,
        hidden=seed % 3,
        largest_channels=6,
        largest_map=7,
    )
    _check(network, _with_memories(rng, random_folding(rng, network)))


@pytest.mark.parametrize("seed", mostly_slow(range(5), 0))
def test_random_graphs(seed):
    rng = np.random.default_rng(seed)
    network = random_graph(
        rng,
        coding=list(Coding)[seed % 2],
        readout=list(Readout)[seed // 2 % 2],
        rule=list(PoolRule)[seed // 4 % 2],
        steps=1 + seed % 3,
        layers=2,
    )
    _check(network, _with_memories(rng, random_folding(rng, network)))


@pytest.mark.parametrize(
    ("shape", "coding"),
    mostly_slow([("direct", Coding.RADIX), *product(RARE, Coding)], 1),
)
def test_rare_shapes(shape, coding):
    _check(*rare_network(np.random.default_rng(2), shape, coding))


@pytest.mark.parametrize("steps", mostly_slow([1, 3], 1))
def test_trains_of_one_step(steps):
    """Lanes that run ahead of one another queue their sums at T = 1 as well."""
    network = residual_network(Coding.RADIX, steps=steps, stages=((3, 1),), size=4)
    _check(network, random_folding(np.random.default_rng(steps), network))
