"""``rheobase energy``: synaptic operations, SOP90, SOP95 and FPS/W of a network file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..converter.measure.energy import CNN_JOULES, SYNAPTIC_JOULES
from ..golden.errors import RheobaseError
from ..golden.network.choices import Coding
from ..options.files import NetworkFile
from ..options.images import Drawn, ImageOptions, Images
from ..options.numbers import number_list
from ..results.models import Energy, EnergyAt, LayerOperations

if TYPE_CHECKING:
    from ..golden.network.network import Network


def energy(
    network: NetworkFile,
    images: Images,
    reading: ImageOptions,
    count: Drawn = 200,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps", "-T", help="T, the time steps, with commas (default: the network's)."
        ),
    ] = None,
    cnn_accuracy: Annotated[
        float | None,
        typer.Option(
            help="The CNN's percentage of right answers (default: what `convert` measured)."
        ),
    ] = None,
    synaptic_joules: Annotated[
        float, typer.Option(help="Joules per synaptic operation of the SNN.")
    ] = SYNAPTIC_JOULES,
    ann_joules: Annotated[
        float, typer.Option(help="Joules per operation of the CNN.")
    ] = CNN_JOULES,
) -> Energy:
    """Count synaptic operations and estimate FPS/W, images a second for each watt.

    SOP90 and SOP95 are the synaptic operations of an image at the first T given with which the
    network reaches 90 % and 95 % of the CNN's accuracy.
    """
    from ..console import note, progress_bar, show
    from ..converter.data.data import matched_classes
    from ..converter.measure.energy import (
        cheapest,
        cnn_operations,
        frames_per_second_and_watt,
        measure,
    )
    from ..golden.files.file import load_network
    from ..tables import table

    found = load_network(network)
    accuracy, remark = _cnn_accuracy(network, found, cnn_accuracy)
    testing = reading.load(images, shape=found.input_shape, sample=(count, 1))
    testing = matched_classes(testing, found.output_shapes[0])
    measured = (found.steps,) if steps is None else number_list("--steps", steps, int)
    if found.coding == Coding.RADIX:
        measured = (found.steps,)
    with progress_bar("golden model", len(measured) * len(testing.images)) as progress:
        points = measure(found, testing.images, testing.labels, measured, progress)
    last = points[-1]
    rows = [[name, f"{operations:.0f}"] for name, operations in last.layers]
    show(table(f"T = {last.steps}", ("layer", "synaptic operations per image"), rows))
    dense = cnn_operations(found)
    rows = [
        [
            "CNN",
            f"{accuracy:.2f}",
            f"{dense:.0f}",
            f"{frames_per_second_and_watt(dense, ann_joules):.0f}",
        ]
    ]
    named = [(f"SNN, T = {point.steps}", point) for point in points]
    reached = {}
    for part in (90, 95):
        point = cheapest(points, accuracy * part / 100)
        reached[part] = None if point is None else point.operations
        if point is not None:
            named.append((f"SOP{part} (T = {point.steps})", point))
        else:
            rows.append([f"SOP{part}", "", "not reached at these T", ""])
    for name, point in named:
        fps = frames_per_second_and_watt(point.operations, synaptic_joules)
        rows.append([name, f"{point.accuracy:.2f}", f"{point.operations:.0f}", f"{fps:.0f}"])
    columns = ("network", "right answers (%)", "operations per image", "FPS/W")
    estimate = (
        f"energy: an estimate from {synaptic_joules * 1e15:g} fJ per synaptic operation and "
        f"{ann_joules * 1e12:g} pJ per operation of the CNN"
    )
    show(table(estimate, columns, rows))
    if remark:
        note(remark)
    return Energy(
        images=len(testing.images),
        synaptic_joules=synaptic_joules,
        cnn_joules=ann_joules,
        cnn_right_answers=accuracy,
        cnn_operations=dense,
        cnn_images_per_joule=_finite(frames_per_second_and_watt(dense, ann_joules)),
        points=[
            EnergyAt(
                T=point.steps,
                t0=point.delay,
                right_answers=point.accuracy,
                operations=point.operations,
                images_per_joule=_finite(
                    frames_per_second_and_watt(point.operations, synaptic_joules)
                ),
                layers=[LayerOperations(name, count) for name, count in point.layers],
            )
            for point in points
        ],
        sop90=reached[90],
        sop95=reached[95],
    )


def _finite(number: float) -> float | None:
    """None in place of infinity, which JSON has no word for."""
    return number if math.isfinite(number) else None


def _cnn_accuracy(file: Path, network: Network, given: float | None) -> tuple[float, str]:
    """The CNN's accuracy, and a sentence on it where it was not given."""
    if given is not None:
        return given, ""
    known = network.provenance
    if known is None or known.cnn_accuracy is None:
        raise RheobaseError(
            f"--cnn-accuracy: needed, as {file} holds none that `rheobase convert` measured"
        )
    return known.cnn_accuracy, (
        f"the CNN's accuracy is what `rheobase convert` measured on {known.test_images} images"
    )
