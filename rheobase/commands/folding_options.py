"""Options that choose a folding, by hand or by the search, and the plan as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..boards.link.interface import accelerator_interface
from ..boards.platforms.registry import FAMILY_TOOLS, BoardDescription
from ..boards.platforms.registry import board as find_board
from ..console import OUT, working
from ..golden.errors import RheobaseError
from ..golden.network import Network
from ..hw.design.folding import Folding, connection_lanes, connection_row_words
from ..hw.memories.memory_mapping import LARGE_RAM_BITS, Family, mapped_memory
from ..hw.planning.default_folding import DEFAULT_ADDERS, adder_plan, completed_plan
from ..hw.planning.event_counts import counted_events, known_events
from ..hw.planning.folding_search import Planner
from ..hw.planning.plan import Budget, Plan
from ..hw.planning.shortfall import shortfall
from ..tables import table
from .parameters import check_by_hand, given_folding

#: Parts of a board's look-up tables and block RAMs that a plan may fill: placing and routing, and
#: what the model is off, need the rest. The second pair is for what does not fit otherwise: it may
#: fail to be placed, and will be slow.
FILLINGS = ((0.85, 0.98), (0.96, 1.0))
#: UART and host link in a board's design: LUT4 on ECP5, logic cells on iCE40, carry chains
#: included (`python benchmarks/host_link.py`).
HOST_LINK_LUTS = {Family.ECP5: 810, Family.ICE40: 1000}
#: Images that are counted on: a dozen are as much as 8 % off the mean of many.
CALIBRATION_IMAGES = 32


@dataclass(frozen=True)
class FoldingOptions:
    """What the command line says of the folding.

    Attributes:
        neurons, lanes: P and E of each layer, with commas.
        adders: P x E in all.
        board: whose device is to be filled; None for none.
        luts, memory_bits: look-up tables and bits of block RAM that may be used.
        target_fps: images a second that are to be reached.
        clock: MHz; the board's usual one where None.
        images: what to count events on, as ``load_images`` takes it.
        data_root: torchvision's root folder.
    """

    neurons: str | None = None
    lanes: str | None = None
    adders: int | None = None
    board: BoardDescription | None = None
    luts: int | None = None
    memory_bits: int | None = None
    target_fps: float | None = None
    clock: float | None = None
    images: str | None = None
    data_root: Path | None = None

    @property
    def by_hand(self) -> bool:
        """Whether P, E or their product is given."""
        return any(value is not None for value in (self.neurons, self.lanes, self.adders))

    @property
    def searched(self) -> bool:
        """Whether something is asked for that the search is to keep to."""
        wanted = (self.board, self.luts, self.memory_bits, self.target_fps)
        return not self.by_hand and any(value is not None for value in wanted)

    @property
    def family(self) -> Family:
        return Family.ECP5 if self.board is None else Family(self.board.family.value)

    @property
    def large_rams(self) -> int:
        """RAMs of one port that the board's device has beside its block RAMs."""
        return 0 if self.board is None else self.board.device.large_ram_bits // LARGE_RAM_BITS

    @property
    def hertz(self) -> float | None:
        """The design's clock."""
        if self.clock is not None:
            if not 0 < self.clock < 1000:
                raise RheobaseError(f"--clock: {self.clock:g}, accepted is 0 .. 1000 (MHz)")
            return self.clock * 1e6
        return None if self.board is None else float(self.board.clock)

    def budgets(self, network: Network) -> tuple[Budget, ...]:
        """What the accelerator of ``network`` may take: of a board each of ``FILLINGS`` in turn."""
        luts, blocks = self.luts, None
        if self.memory_bits is not None:
            blocks = self.memory_bits // FAMILY_TOOLS[self.family].block_ram_bits
        if self.board is None:
            return (Budget(luts, blocks),)
        device, link_blocks = self.board.device, _host_link_blocks(network, self.family)
        result = []
        for lut_part, block_part in FILLINGS:
            most_luts = int(lut_part * device.luts) - HOST_LINK_LUTS[self.family]
            most_blocks = int(block_part * device.block_rams) - link_blocks
            result.append(
                Budget(
                    most_luts if luts is None else min(luts, most_luts),
                    most_blocks if blocks is None else min(blocks, most_blocks),
                )
            )
        return tuple(result)


def options_of(*, board: str | None, **others: Any) -> FoldingOptions:
    """Options with the board by its name.

    Raises:
        RheobaseError: there is no such board.
    """
    return FoldingOptions(board=None if board is None else find_board(board), **others)


def planned_folding(network: Network, options: FoldingOptions) -> Folding:
    """The folding of ``folding_plan``."""
    return folding_plan(network, options).folding


def folding_plan(network: Network, options: FoldingOptions) -> Plan:
    """The plan that is asked for, which is printed.

    Raises:
        RheobaseError: options that do not go together, or a network that does not fit: by how
            much, and what would make it fit.
    """
    _check(options)
    images = None
    if options.images is not None:
        from ..converter.data.data import load_images

        found = load_images(
            options.images, data_root=options.data_root, shape=network.input_shape,
            limit=CALIBRATION_IMAGES,
        )  # fmt: skip
        images = found.images[:CALIBRATION_IMAGES]

    def events_of(changed: Network):
        return known_events(changed) if images is None else counted_events(changed, images)

    planner = Planner(network, events_of(network), options.family, options.large_rams)
    hertz = options.hertz
    with working("planning the folding"):
        if options.neurons is not None or options.lanes is not None:
            folding = given_folding(network, options.neurons, options.lanes)
            plan = completed_plan(planner, folding)
        elif not options.searched:
            adders = DEFAULT_ADDERS if options.adders is None else options.adders
            plan = adder_plan(planner, adders)
        else:
            cycles = None if options.target_fps is None else hertz / options.target_fps
            for budget in options.budgets(network):
                plan = (
                    planner.fastest(budget) if cycles is None else planner.reaching(cycles, budget)
                )
                if plan is not None:
                    break
        if plan is None:
            lack = shortfall(planner, budget, cycles, events_of, hertz)
            raise RheobaseError(f"{network.name} does not fit {_named(budget, options)}: {lack}")
    show_plan(network, plan, options, guessed=images is None and network.events is None)
    return plan


def show_plan(
    network: Network, plan: Plan, options: FoldingOptions, *, guessed: bool = False
) -> None:
    """The table of layers, the totals against the device, and the speed.

    Args:
        guessed: no events were counted, so that cycles are a guess.
    """
    rows = []
    for index, (layer, planned) in enumerate(zip(network.layers, plan.layers, strict=True)):
        fold = planned.fold
        lanes = connection_lanes(network, index, fold)
        words = connection_row_words(network, index, fold)
        rows.append(
            [
                layer.name,
                fold.neurons,
                "+".join(str(count or "direct") for count in lanes),
                fold.neurons // fold.turns,
                "by size" if fold.weight_memory is None else fold.weight_memory.value,
                "+".join("rows" if by_row else "columns" for by_row in words),
                "+".join(map(str, fold.rows_beside((0,) * len(words)))),
                f"{planned.cycles:.0f}",
                f"{planned.area.luts:.0f}",
                planned.area.block_rams,
                planned.limit,
            ]
        )
    rows.append(["around them", *[""] * 7, f"{plan.frame.luts:.0f}", plan.frame.block_rams, ""])
    columns = (
        "layer", "P", "E", "F", "weights in", "buffer of", "extra rows", "cycles",
        options.family.logic, "block RAMs", "limited by",
    )  # fmt: skip
    title = f"plan: {network.coding.value} coding, T = {network.steps}"
    if guessed:
        title += ", cycles are a guess"
    OUT.print(table(title, columns, rows))
    area, board = plan.area, options.board
    used = [(area.luts, options.family.logic), (area.block_rams, "block RAMs")]
    limits = (None, None) if board is None else (board.device.luts, board.device.block_rams)
    if area.large_rams:
        used.append((area.large_rams, "large RAMs"))
        limits = (*limits, options.large_rams or None)
    texts = [
        f"{value:,.0f} {unit}" + ("" if limit is None else f" of {limit:,} ({value / limit:.0%})")
        for (value, unit), limit in zip(used, limits, strict=True)
    ]
    where = "" if board is None else f" of {board.title}, without the host link"
    OUT.print(f"predicted: {', '.join(texts)}{where}", highlight=False, soft_wrap=True)
    speed = f"predicted: {plan.cycles:,.0f} cycles per image in a stream"
    if options.hertz is not None:
        speed += f", {options.hertz / plan.cycles:,.0f} images/s at {options.hertz / 1e6:g} MHz"
    if guessed:
        speed += " (a guess: the network file has no event counts; --images counts them)"
    OUT.print(speed, highlight=False, soft_wrap=True)


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
        limits = ((budget.luts, options.family.logic), (budget.block_rams, "block RAMs"))
        parts.append(
            " and ".join(f"{limit:,.0f} {unit}" for limit, unit in limits if limit is not None)
        )
    if options.target_fps is not None:
        parts.append(
            f"{options.target_fps:g} images/s at {options.hertz / 1e6:g} MHz "
            f"({np.floor(options.hertz / options.target_fps):,.0f} cycles)"
        )
    return " at ".join(parts)


def _check(options: FoldingOptions) -> None:
    """Raise ``RheobaseError`` where options are out of range or do not go together."""
    check_by_hand(options.neurons, options.lanes, options.adders)
    for name, value in (
        ("--luts", options.luts),
        ("--memory-bits", options.memory_bits),
        ("--target-fps", options.target_fps),
    ):
        if value is None:
            continue
        if value <= 0:
            raise RheobaseError(f"{name}: {value:g}, accepted is a number above 0")
        if options.by_hand:
            raise RheobaseError(f"{name}: accepted is a search, without -P, -E and --adders")
    if options.target_fps is not None and options.hertz is None:
        raise RheobaseError("--target-fps: accepted is together with --clock or --board")
