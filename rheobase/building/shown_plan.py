"""The plan that a command's options ask for, as it is printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..console import OUT, working
from ..golden.network.network import Network
from ..hw.design.layer_design import layer_design
from ..hw.planning.plan import Plan
from ..options.folding import FoldingOptions, named_board
from ..options.images import ImageOptions
from ..tables import table
from .folding_plan import (
    CALIBRATION_IMAGES,
    check_folding_options,
    family_of,
    folding_plan,
    large_rams_of,
)


def shown_plan(
    network: Network, options: FoldingOptions, reading: ImageOptions, board: str | None = None
) -> Plan:
    """The plan of ``options`` for ``board``, which is printed.

    Raises:
        RheobaseError: no such board or images, options that do not go together, or a network that
            does not fit.
    """
    options = replace(options, board=named_board(board))
    images = plan_images(network, options, reading)
    with working("planning the folding"):
        plan = folding_plan(network, options, images)
    show_plan(network, plan, options)
    return plan


def plan_images(
    network: Network, options: FoldingOptions, reading: ImageOptions
) -> np.ndarray | None:
    """Images that ``--plan-images`` names; None without it.

    Raises:
        RheobaseError: they cannot be read, or the options do not go together.
    """
    check_folding_options(options)
    if options.plan_images is None:
        return None
    found = reading.load(options.plan_images, shape=network.input_shape, limit=CALIBRATION_IMAGES)
    return found.images[:CALIBRATION_IMAGES]


def show_plan(network: Network, plan: Plan, options: FoldingOptions) -> None:
    """The table of layers, the totals against the device, and the speed.

    Cycles are a guess where no events were counted, and are called one.
    """
    guessed = options.plan_images is None and network.events is None
    logic = family_of(options).logic
    rows = []
    for index, (layer, planned) in enumerate(zip(network.layers, plan.layers, strict=True)):
        fold = planned.fold
        design = layer_design(network, index, fold)
        words = [connection.row_words for connection in design.connections]
        rows.append(
            [
                layer.name,
                fold.neurons,
                "+".join(str(count or "direct") for count in design.lanes),
                design.firing,
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
        "layer",
        "P",
        "E",
        "F",
        "weights in",
        "buffer of",
        "extra rows",
        "cycles",
        logic,
        "block RAMs",
        "limited by",
    )
    title = f"plan: {network.coding.value} coding, T = {network.steps}"
    if guessed:
        title += ", cycles are a guess"
    OUT.print(table(title, columns, rows))
    area, board = plan.area, options.board
    used = [(area.luts, logic), (area.block_rams, "block RAMs")]
    limits = (None, None) if board is None else (board.device.luts, board.device.block_rams)
    if area.large_rams:
        used.append((area.large_rams, "large RAMs"))
        limits = (*limits, large_rams_of(options) or None)
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
        speed += " (a guess: the network file has no event counts; --plan-images counts them)"
    OUT.print(speed, highlight=False, soft_wrap=True)
