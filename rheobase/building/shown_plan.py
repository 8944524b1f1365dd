"""The plan that a command's options ask for, as it is printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..console import say, show, working
from ..golden.network.network import Network
from ..hw.design.folding import Folding
from ..hw.design.layer_design import layer_design
from ..hw.planning.plan import Plan
from ..options.folding import FoldingOptions, named_board
from ..options.images import ImageOptions
from ..results.hardware import Planned, PlannedAround, PlannedLayer
from ..tables import lanes_text, table
from .folding_plan import (
    CALIBRATION_IMAGES,
    check_folding_options,
    family_of,
    folding_plan,
    large_rams_of,
)


def shown_plan(
    network: Network, options: FoldingOptions, reading: ImageOptions, board: str | None = None
) -> tuple[Folding, Planned]:
    """The folding of ``options`` for ``board``, and its plan, which is printed.

    Raises:
        RheobaseError: no such board or images, options that do not go together, or a network that
            does not fit.
    """
    options = replace(options, board=named_board(board))
    images = plan_images(network, options, reading)
    with working("planning the folding"):
        plan = folding_plan(network, options, images)
    described = planned(network, plan, options)
    show_plan(network, described, options)
    return plan.folding, described


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


def planned(network: Network, plan: Plan, options: FoldingOptions) -> Planned:
    """``plan`` against the device that ``options`` name, in JSON's types."""
    board, area, hertz = options.board, plan.area, options.hertz
    layers = []
    for index, (layer, found) in enumerate(zip(network.layers, plan.layers, strict=True)):
        fold = found.fold
        design = layer_design(network, index, fold)
        words = [connection.row_words for connection in design.connections]
        buffers = ["rows" if by_row else "columns" for by_row in words]
        layers.append(
            PlannedLayer(
                name=layer.name,
                kind=fold.lane_kind.value,
                P=fold.neurons,
                E=[count or 0 for count in design.lanes],
                F=design.firing,
                weights_in="by size" if fold.weight_memory is None else fold.weight_memory.value,
                buffer_of=["none"] * len(words) if design.unbuffered else buffers,
                extra_rows=list(fold.rows_beside((0,) * len(words))),
                cycles=float(found.cycles),
                luts=float(found.area.luts),
                block_rams=found.area.block_rams,
                limited_by=found.limit,
            )
        )
    return Planned(
        layers=layers,
        around=PlannedAround(float(plan.frame.luts), plan.frame.block_rams),
        logic=family_of(options).logic,
        luts=float(area.luts),
        luts_available=None if board is None else board.device.luts,
        block_rams=area.block_rams,
        block_rams_available=None if board is None else board.device.block_rams,
        large_rams=area.large_rams,
        large_rams_available=large_rams_of(options) or None,
        cycles=float(plan.cycles),
        guessed=options.plan_images is None and network.events is None,
        clock_hz=hertz,
        images_per_second=None if hertz is None else hertz / plan.cycles,
    )


def show_plan(network: Network, plan: Planned, options: FoldingOptions) -> None:
    """The table of layers, the totals against the device, and the speed.

    Cycles are a guess where no events were counted, and are called one.
    """
    rows = [
        [
            layer.name,
            layer.P,
            lanes_text(layer),
            layer.F,
            layer.weights_in,
            "+".join(layer.buffer_of),
            "+".join(map(str, layer.extra_rows)),
            f"{layer.cycles:.0f}",
            f"{layer.luts:.0f}",
            layer.block_rams,
            layer.limited_by,
        ]
        for layer in plan.layers
    ]
    around = plan.around
    rows.append(["around them", *[""] * 7, f"{around.luts:.0f}", around.block_rams, ""])
    columns = (
        "layer",
        "P",
        "E",
        "F",
        "weights in",
        "buffer of",
        "extra rows",
        "cycles",
        plan.logic,
        "block RAMs",
        "limited by",
    )
    title = f"plan: {network.coding.value} coding, T = {network.steps}"
    if plan.guessed:
        title += ", cycles are a guess"
    show(table(title, columns, rows))
    used = [
        (plan.luts, plan.luts_available, plan.logic),
        (plan.block_rams, plan.block_rams_available, "block RAMs"),
    ]
    if plan.large_rams:
        used.append((plan.large_rams, plan.large_rams_available, "large RAMs"))
    texts = [
        f"{value:,.0f} {unit}" + ("" if limit is None else f" of {limit:,} ({value / limit:.0%})")
        for value, limit, unit in used
    ]
    board = options.board
    where = "" if board is None else f" of {board.title}, without the host link"
    say(f"predicted: {', '.join(texts)}{where}")
    speed = f"predicted: {plan.cycles:,.0f} cycles per image in a stream"
    if plan.images_per_second is not None and plan.clock_hz is not None:
        speed += f", {plan.images_per_second:,.0f} images/s at {plan.clock_hz / 1e6:g} MHz"
    if plan.guessed:
        speed += " (a guess: the network file has no event counts; --plan-images counts them)"
    say(speed)
