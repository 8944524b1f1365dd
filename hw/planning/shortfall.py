"""Why a network does not fit, by how much, and what would make it fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...golden.network.network import BYTE_BITS, MIN_WEIGHT_BITS, Network
from ..design.folding import Folding, LaneChoice
from .event_counts import NetworkEvents
from .items import Area
from .plan import Budget
from .search.bisection import first_found
from .search.folding_search import Planner

#: Doublings and halvings until the smallest budget that holds the network is known to a percent.
_BISECTIONS = 12


def narrower(network: Network, bits: int) -> Network:
    """``network`` with its kernels of up to eight bits cut down to ``bits``, for its size alone."""
    layers = []
    for layer in network.layers:
        connections = tuple(
            replace(c, weight=c.weight >> (c.weight_bits - bits), weight_bits=bits)
            if bits < c.weight_bits <= BYTE_BITS
            else c
            for c in layer.connections
        )
        layers.append(replace(layer, connections=connections))
    return replace(network, layers=tuple(layers))


def shorter(network: Network, steps: int) -> Network:
    """``network`` with T = ``steps``, and no layer with more."""
    events = None if network.events is None else network.events.first_steps(steps)
    layers = tuple(
        replace(layer, steps=None if layer.steps is None else min(layer.steps, steps))
        for layer in network.layers
    )
    delay = min(network.delay, steps - 1)
    return replace(network, layers=layers, steps=steps, delay=delay, events=events)


def least_area(planner: Planner, budget: Budget) -> Area | None:
    """Area of a folding that needs as small a multiple of ``budget`` as can be."""

    def smallest(factor: float) -> Folding | None:
        return planner.smallest(
            np.inf,
            Budget(
                None if budget.luts is None else factor * budget.luts,
                None if budget.block_rams is None else int(factor * budget.block_rams),
            ),
        )

    most, found = 1, smallest(1)
    while found is None and most < 2 ** (_BISECTIONS - 1):
        most *= 2
        found = smallest(most)
    if found is None:
        return None
    parts = 2**_BISECTIONS
    less = first_found(range(1, parts), lambda part: smallest(most * part / parts))
    return planner.total_area(less or found)


def shortfall(
    planner: Planner,
    budget: Budget,
    cycles: float | None,
    events_of: Callable[[Network], NetworkEvents],
    hertz: float | None = None,
) -> str:
    """What ``planner``'s network lacks within ``budget``, for ``cycles`` per image where given.

    Args:
        events_of: what windows of a changed network hold.
        hertz: clock at which ``cycles`` are wanted.

    Returns:
        text such as "12,345 LUT4 of 10,200 (2,145 over); 5-bit weights or T = 2 would fit", or
        "--lanes serial" in their place where that would.
    """
    fastest = planner.fastest(budget)
    if fastest is None:
        lack = "even folded as small as can be it takes " + _lacks(planner, budget)
    else:
        lack = f"within that it takes {fastest.cycles:,.0f} cycles an image at best"
        if hertz is not None and cycles is not None:
            reached, wanted = hertz / fastest.cycles, hertz / cycles
            lack += f", {reached:,.0f} images/s ({wanted - reached:,.0f} short)"
    return f"{lack}; {_remedies(planner, budget, cycles, events_of)}"


def _lacks(planner: Planner, budget: Budget) -> str:
    area = least_area(planner, budget)
    if area is None:
        return "more than a thousand times as much"
    texts = []
    for used, limit, unit in (
        (area.luts, budget.luts, planner.family.logic),
        (area.block_rams, budget.block_rams, "block RAMs"),
    ):
        if limit is not None:
            over = f" ({used - limit:,.0f} over)" if used > limit else ""
            texts.append(f"{used:,.0f} {unit} of {limit:,.0f}{over}")
    return " and ".join(texts)


def _remedies(
    planner: Planner,
    budget: Budget,
    cycles: float | None,
    events_of: Callable[[Network], NetworkEvents],
) -> str:
    """Serial layers, if it would with them; else the most weight bits, and the largest T."""
    network = planner.network
    if planner.lane_choice is LaneChoice.EVENTS:
        serial = planner.of(network, planner.events, LaneChoice.SERIAL)
        if _fits(serial, budget, cycles):
            return f"--lanes {LaneChoice.SERIAL} would fit"
    widths = [c.weight_bits for layer in network.layers for c in layer.connections]
    most = max((bits for bits in widths if bits <= BYTE_BITS), default=MIN_WEIGHT_BITS)
    bits = _largest(
        range(MIN_WEIGHT_BITS, most),
        # As many spikes come whatever the weights' width, so the events stay as they are.
        lambda value: planner.of(narrower(network, value), planner.events),
        budget,
        cycles,
    )

    def with_steps(value: int) -> Planner:
        changed = shorter(network, value)
        return planner.of(changed, events_of(changed))

    steps = _largest(range(1, network.steps), with_steps, budget, cycles)
    found = [f"{bits}-bit weights"] * (bits is not None) + [f"T = {steps}"] * (steps is not None)
    if found:
        return f"{' or '.join(found)} would fit"
    return f"neither {MIN_WEIGHT_BITS}-bit weights nor T = 1 would make it fit"


def _largest(
    values: range, planner_of: Callable[[int], Planner], budget: Budget, cycles: float | None
) -> int | None:
    """The largest value with which it fits: a smaller one takes no more."""

    def fitting(value: int) -> int | None:
        return value if _fits(planner_of(value), budget, cycles) else None

    return first_found(values[::-1], fitting)


def _fits(planner: Planner, budget: Budget, cycles: float | None) -> bool:
    if cycles is None:
        return planner.smallest(np.inf, budget) is not None
    return planner.reaching(cycles, budget) is not None
