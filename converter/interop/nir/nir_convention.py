"""What rheobase writes into the metadata of a NIR graph, where NIR has no field of its own.

A node that lacks it is read as NIR's own definition has it (docs/interop.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....golden.errors import RheobaseError, shown
from ....golden.network.choices import PoolRule, member
from ....golden.network.unchecked_network import UncheckedNetwork

#: Keys of a graph's metadata, of an IF node's and of an AvgPool2d node's.
STEPS, DELAY, NAME, INPUT = "steps", "delay", "name", "input"
RESET, INITIAL = "reset", "initial_potential"
POOLING, RULE = "pooling", "pooling_rule"
#: Values of some of them.
PIXELS, SUBTRACT, MAX = "pixels", "subtract", "max"


@dataclass(frozen=True)
class GraphFacts:
    """What a graph's metadata says; None where it says nothing.

    Attributes:
        steps, delay: T and t0.
        pixels: the input is pixels in 0..255, the same at each step.
    """

    steps: int | None = None
    delay: int | None = None
    name: str | None = None
    pixels: bool = False


def graph_metadata(network: UncheckedNetwork) -> dict[str, Any]:
    return {STEPS: network.steps, DELAY: network.delay, NAME: network.name, INPUT: PIXELS}


def neuron_metadata(initial_potential: np.ndarray) -> dict[str, Any]:
    return {RESET: SUBTRACT, INITIAL: initial_potential}


def max_pool_metadata(rule: PoolRule) -> dict[str, Any]:
    return {POOLING: MAX, RULE: rule.value}


def graph_facts(metadata: Mapping[str, Any]) -> GraphFacts:
    """What rheobase wrote about the graph.

    Raises:
        RheobaseError: a number that is none.
    """
    name = metadata.get(NAME)
    return GraphFacts(
        steps=_integer(metadata, STEPS),
        delay=_integer(metadata, DELAY),
        name=name if isinstance(name, str) else None,
        pixels=metadata.get(INPUT) == PIXELS,
    )


def subtracts(metadata: Mapping[str, Any]) -> bool:
    """Whether a neuron is known to be reset by subtraction."""
    return metadata.get(RESET) == SUBTRACT


def max_pool_rule(metadata: Mapping[str, Any]) -> PoolRule | None:
    """The rule of what is a max pooling; None of an average pooling."""
    if metadata.get(POOLING) != MAX:
        return None
    return member(f"NIR: {RULE}", PoolRule, metadata.get(RULE, PoolRule.CUMULATIVE.value))


def _integer(metadata: Mapping[str, Any], key: str) -> int | None:
    found = metadata.get(key)
    if found is None:
        return None
    number = np.asarray(found)
    if number.dtype.kind not in "iu" or number.size != 1:
        raise RheobaseError(f"NIR: {key} is {shown(found)}, must be an integer")
    return int(number.item())
