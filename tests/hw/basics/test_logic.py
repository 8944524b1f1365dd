"""Selections, tables and counters against Python, over every input, in Amaranth's simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from amaranth import Module, Signal, Value
from amaranth.hdl import Shape
from amaranth.sim import Simulator

from rheobase.hw.basics.select import (
    LONGEST_CHAIN,
    LONGEST_WITHOUT_CARRY,
    at_least,
    encode,
    lowest,
    pick,
)
from rheobase.hw.basics.successor import successor
from rheobase.hw.basics.table import lookup

pytestmark = pytest.mark.quick


def outputs(
    width: int, logic: Callable[[Module, Signal], Value], inputs: Sequence[int]
) -> tuple[list[int], Shape]:
    """What ``logic`` makes of each of ``inputs``, and the shape of it."""
    m = Module()
    given = Signal(width)
    value = logic(m, given)
    result = Signal(value.shape())
    m.d.comb += result.eq(value)
    found: list[int] = []

    async def bench(context) -> None:
        for each in inputs:
            context.set(given, each)
            found.append(context.get(result))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found, result.shape()


def masks(width: int) -> list[int]:
    """Every mask, or some of all lengths where there are too many."""
    if width <= 8:
        return list(range(1 << width))
    rng = np.random.default_rng(width)
    return [
        0,
        *(
            int(rng.integers(1 << bit + 1)) << int(rng.integers(width - bit))
            for bit in range(width)
        ),
    ]


@pytest.mark.parametrize("width", [1, 2, 5, 8, LONGEST_WITHOUT_CARRY, LONGEST_WITHOUT_CARRY + 4])
def test_lowest_set_bit(width):
    given = masks(width)
    found, shape = outputs(width, lambda _, mask: lowest(mask), given)
    assert found == [mask & -mask for mask in given] and shape.width == width


@pytest.mark.parametrize("width", [1, 2, 3, 8, 13])
def test_index_of_the_set_bit(width):
    found, _ = outputs(width, lambda _, mask: encode(mask), [1 << bit for bit in range(width)])
    assert found == list(range(width))


@pytest.mark.parametrize(("width", "most"), [(1, 2), (3, 1), (5, 3), (8, 4)])
def test_number_of_set_bits(width, most):
    for count in range(1, most + 1):
        given = masks(width)
        found, _ = outputs(width, lambda _, m, k=count: at_least(m, most)[k - 1], given)
        assert found == [int(mask.bit_count() >= count) for mask in given]


def test_picked_value():
    values = [5, 0, 7, 2]
    found, _ = outputs(
        4, lambda _, mask: pick(mask, [Value.cast(v) for v in values]), [0, 1, 2, 4, 8]
    )
    assert found == [0, *values]


def test_picked_value_of_more_than_python_calls_deep():
    values = [(7 * number) % 251 for number in range(400)]
    places = [0, LONGEST_CHAIN, 199, 200, 399]
    found, _ = outputs(
        len(values),
        lambda _, mask: pick(mask, [Value.cast(v) for v in values]),
        [1 << place for place in places],
    )
    assert found == [values[place] for place in places]


@pytest.mark.parametrize(
    "values", [[3], [4, 4, 4], [0, 1, 0, 0, 9], [-3, 0, 2, -3], list(range(-8, 8))], ids=str
)
def test_table(values):
    width = max(1, (len(values) - 1).bit_length())
    found, shape = outputs(
        width, lambda m, index: lookup(m, index, values, name="t"), range(len(values))
    )
    assert found == values and shape.signed == (min(values) < 0)


@pytest.mark.parametrize("count", [2, 3, 4, 7, 8, 13])
def test_next_value_of_a_counter(count):
    width = (count - 1).bit_length()
    found, shape = outputs(width, lambda _, value: successor(value, count), range(count))
    assert found == [(value + 1) % count for value in range(count)] and shape.width == width
