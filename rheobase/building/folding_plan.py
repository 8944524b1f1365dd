"""The plan of a folding: by hand, or the planner's for what is asked."""

from __future__ import annotations

import numpy as np

from ..boards.link.interface import accelerator_interface
from ..golden.errors import RheobaseError
from ..golden.network.network import Network
from ..hw.design.folding import Folding, LaneChoice, LaneKind, LayerFolding, check_folding
from ..hw.memories.devices import LARGE_RAM_BITS, Family
from ..hw.memories.memory_mapping import mapped_memory
from ..hw.planning.default_folding import DEFAULT_ADDERS, adder_plan, completed_plan
from ..hw.planning.event_counts import counted_events, known_events
from ..hw.planning.plan import Budget, Plan
from ..hw.planning.search.folding_search import Planner
from ..hw.planning.shortfall import shortfall
from ..options.folding import FoldingOptions
from ..options.numbers import number_list

#: Parts of a board's look-up tables and block RAMs that a plan may fill: placing and routing, and
#: what the model is off, need the rest. The second pair is for what does not fit otherwise: it may
#: fail to be placed, and will be slow.
FILLINGS = ((0.85, 0.98), (0.96, 1.0))
#: UART and host link in a board's design: LUT4 on ECP5, logic cells on iCE40, carry chains
#: included (`python -m benchmarks.host_link`).
HOST_LINK_LUTS = {Family.ECP5: 810, Family.ICE40: 1000, Family.GOWIN: 900}
#: Images that are counted on: a dozen are as much as 8 % off the mean of many.
CALIBRATION_IMAGES = 32


def folding_plan(
    network: Network, options: FoldingOptions, images: np.ndarray | None = None
) -> Plan:
    """The plan that is asked for.

    Args:
        images: uint8, what events are counted on (the first ``CALIBRATION_IMAGES`` are enough);
            the network's own counts where None.

    Raises:
        RheobaseError: options that do not go together, or a network that does not fit: by how
            much, and what would make it fit.
    """
    check_folding_options(options)

    def events_of(changed: Network):
        return known_events(changed) if images is None else counted_events(changed, images)

    choice = options.lane_choice or LaneChoice.EVENTS
    planner = Planner(
        network, events_of(network), family_of(options), large_rams_of(options), choice
    )
    if options.neurons is not None and options.lanes is not None:
        return completed_plan(planner, _given_folding(network, options.neurons, options.lanes))
    if not options.searched:
        adders = DEFAULT_ADDERS if options.adders is None else options.adders
        return adder_plan(planner, adders)
    hertz = options.hertz
    cycles = None if options.target_fps is None else hertz / options.target_fps
    for budget in budgets(network, options):
        plan = planner.fastest(budget) if cycles is None else planner.reaching(cycles, budget)
        if plan is not None:
            return plan
    lack = shortfall(planner, budget, cycles, events_of, hertz)
    raise RheobaseError(f"{network.name} does not fit {_named(budget, options)}: {lack}")


def family_of(options: FoldingOptions) -> Family:
    """The board's device family, ECP5 without one."""
    return Family.ECP5 if options.board is None else options.board.family


def large_rams_of(options: FoldingOptions) -> int:
    """RAMs of one port that the board's device has beside its block RAMs."""
    return 0 if options.board is None else options.board.device.large_ram_bits // LARGE_RAM_BITS


def budgets(network: Network, options: FoldingOptions) -> tuple[Budget, ...]:
    """What the accelerator of ``network`` may take: of a board each of ``FILLINGS`` in turn."""
    family, luts, blocks = family_of(options), options.luts, None
    if options.memory_bits is not None:
        blocks = options.memory_bits // family.block_ram_bits
    if options.board is None:
        return (Budget(luts, blocks),)
    device, link_blocks = options.board.device, _host_link_blocks(network, family)
    result = []
    for lut_part, block_part in FILLINGS:
        most_luts = int(lut_part * device.luts) - HOST_LINK_LUTS[family]
        most_blocks = int(block_part * device.block_rams) - link_blocks
        result.append(
            Budget(
                most_luts if luts is None else min(luts, most_luts),
                most_blocks if blocks is None else min(blocks, most_blocks),
            )
        )
    return tuple(result)


def _given_folding(network: Network, neurons: str, lanes: str) -> Folding:
    """P and E of each layer; "graph" or "serial" in the place of an E."""
    named = (LaneKind.GRAPH, LaneKind.SERIAL)
    kinds = [
        next((kind for kind in named if text.strip() == kind), LaneKind.EVENTS)
        for text in lanes.split(",")
    ]
    # What E is of these is not read.
    lanes = ",".join(
        text if kind is LaneKind.EVENTS else "1"
        for kind, text in zip(kinds, lanes.split(","), strict=True)
    )
    values = []
    for option, text in (("-P", neurons), ("-E", lanes)):
        numbers = number_list(option, text, int)
        if len(numbers) != len(network.layers):
            raise RheobaseError(
                f"{option}: {len(numbers)} values, must be one for each of the "
                f"{len(network.layers)} layers"
            )
        values.append(numbers)
    folding = tuple(
        LayerFolding(p, e, lane_kind=kind) for p, e, kind in zip(*values, kinds, strict=True)
    )
    check_folding(network, folding)
    return folding


def _host_link_blocks(network: Network, family: Family) -> int:
    """Block RAMs of the host link, most of them a buffer that holds some images."""
    if len(network.outputs) > 1 or network.output_shapes[0][1:] != (1, 1):
        return 0  # no host link: ``build`` says so
    memories = accelerator_interface(network, clock=1).memories
    return sum(mapped_memory(shape, family).block_rams for shape in memories)


def _named(budget: Budget, options: FoldingOptions) -> str:
    """What it is to fit."""
    parts = []
    if options.board is not None:
        parts.append(options.board.title)
    elif budget.luts is not None or budget.block_rams is not None:
        limits = ((budget.luts, family_of(options).logic), (budget.block_rams, "block RAMs"))
        parts.append(
            " and ".join(f"{limit:,.0f} {unit}" for limit, unit in limits if limit is not None)
        )
    if options.target_fps is not None:
        parts.append(
            f"{options.target_fps:g} images/s at {options.hertz / 1e6:g} MHz "
            f"({np.floor(options.hertz / options.target_fps):,.0f} cycles)"
        )
    return " at ".join(parts)


def check_folding_options(options: FoldingOptions) -> None:
    """Raise ``RheobaseError`` where options are out of range or do not go together."""
    choice = options.lane_choice
    if choice not in (None, LaneChoice.EVENTS) and not options.searched:
        raise RheobaseError(
            f"--lanes {choice}: must come with a search: --board, --luts, --memory-bits or "
            "--target-fps"
        )
    neurons, lanes = options.neurons is not None, options.lanes is not None and choice is None
    if neurons != lanes or (neurons and options.adders is not None):
        raise RheobaseError("-P, -E: must be both of them together, or --adders alone, or none")
    for name, value in (
        ("--luts", options.luts),
        ("--memory-bits", options.memory_bits),
        ("--target-fps", options.target_fps),
    ):
        if value is None:
            continue
        if value <= 0:
            raise RheobaseError(f"{name}: {value:g}, must be a number above 0")
        if options.by_hand:
            raise RheobaseError(f"{name}: must be a search, without -P, -E and --adders")
    if options.target_fps is not None and options.hertz is None:
        raise RheobaseError("--target-fps: must come with --clock or --board")
