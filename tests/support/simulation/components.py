"""Runs one hardware component against the payloads that NumPy says it must give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Const, Shape
from amaranth.lib import data

from rheobase.sim.bench import run_bench


def encode(layout: Any, value: Any) -> int:
    """``value`` (nested dictionaries and lists for a layout) as the bits of a payload."""
    if isinstance(layout, data.Layout):
        return layout.const(value).as_bits()
    shape = Shape.cast(layout)
    return Const(int(value), shape).value & ((1 << shape.width) - 1)


def check_exchange(
    component: Any,
    inputs: dict[str, tuple[Any, Iterable[Any]]],
    expected: dict[str, tuple[Any, Iterable[Any]]],
    *,
    ports: dict[str, int] | None = None,
    masks: dict[str, list[int]] | None = None,
    seed: int = 0,
) -> None:
    """Each stream is (layout, payloads); fails unless the outputs are exactly as expected.

    ``masks`` has, for an output some of whose bits are free, the bits of each payload that count.
    """
    run_bench(
        component,
        "tests.hw.benches.exchange_bench",
        {
            "seed": seed,
            "ports": ports or {},
            "masks": masks or {},
            "inputs": _encoded(inputs),
            "expected": _encoded(expected),
        },
    )


def _encoded(streams: dict[str, tuple[Any, Iterable[Any]]]) -> dict[str, list[int]]:
    return {name: [encode(layout, v) for v in values] for name, (layout, values) in streams.items()}


def word(bits: Iterable[Any]) -> int:
    """Bits, the first one lowest, as an integer."""
    return sum(int(bit) << index for index, bit in enumerate(bits))
