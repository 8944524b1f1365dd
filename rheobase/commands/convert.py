"""``rheobase convert``: a trained model to a network file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..console import OUT, progress_bar
from ..converter.analog import analog_forward
from ..converter.balancing import Method
from ..converter.budget import kernel_sizes, parse_budget
from ..converter.calibration import Calibration
from ..converter.conversion import (
    BATCH,
    Conversion,
    Options,
    check_options,
    convert_graph,
    normalisation,
    normalised,
)
from ..converter.data import NORMALISATION, ImageSet, load_images
from ..converter.model import load_model
from ..converter.recipes import with_recipe
from ..converter.rewrite import prepared
from ..converter.tracing import trace
from ..golden.errors import RheobaseError
from ..golden.file import save_network
from ..golden.network import Coding, PoolRule, Readout
from ..golden.simulation import simulate
from ..tables import table
from .parameters import number_list


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase convert --help``."""

    model: str
    weights: Path | None
    images: str
    data_root: Path | None
    download: bool
    output: Path
    calibration: int
    test: int
    mean: str | None
    std: str | None
    coding: Coding
    steps: int
    delay: int | None
    weight_bits: int
    readout: Readout
    pool_rule: PoolRule
    method: str
    iterations: int | None
    percentile: float
    learning_rate: float
    recipe: str | None
    threshold_search: bool
    calibrate: str
    calibrate_first: bool
    weight_budget: str | None
    device: str


@dataclass(frozen=True)
class Accuracies:
    """Percentages of right answers on the same images."""

    cnn: float
    float_snn: float
    golden: float


def run(request: Request) -> None:
    """Convert, write the network file, and print what was converted and how well it answers."""
    options = Options(
        coding=request.coding,
        steps=request.steps,
        delay=request.delay,
        weight_bits=request.weight_bits,
        readout=request.readout,
        rule=request.pool_rule,
        method=Method(request.method),
        iterations=request.iterations,
        percentile=request.percentile,
        learning_rate=request.learning_rate,
        calibration=_calibration(request),
        calibrate_first=request.calibrate_first,
        device=check_device(request.device),
    )
    if request.recipe is not None:
        if request.threshold_search or request.calibrate != "none":
            raise RheobaseError(
                "--recipe: accepted is without --threshold-search and --calibrate, which it sets"
            )
        options = with_recipe(options, request.recipe)
    check_options(options)
    mean, std = normalisation_of(request.images, request.mean, request.std)
    if not request.output.parent.is_dir():
        raise RheobaseError(f"{request.output}: no folder {request.output.parent} to write to")
    model = load_model(request.model, request.weights)
    source = {
        "data_root": request.data_root,
        "download": request.download,
    }
    training = load_images(request.images, train=True, **source).sample(request.calibration)
    graph = prepared(trace(model, tuple(int(extent) for extent in training.images.shape[1:])))
    mean, std = normalisation(mean, std, int(training.images.shape[1]))
    sizes = kernel_sizes(graph)
    if request.weight_budget is not None:
        budget = parse_budget(request.weight_budget, sum(sizes.values()))
        options = replace(options, weight_budget=budget)
    batches = [
        normalised(training.images[start : start + BATCH], mean, std)
        for start in range(0, len(training.images), BATCH)
    ]
    with (
        progress_bar("balancing", len(training.images)) as progress,
        progress_bar("calibrating layers", len(sizes)) as layer_progress,
    ):
        conversion = convert_graph(
            graph,
            batches,
            mean=mean,
            std=std,
            options=options,
            name=Path(request.output).stem,
            progress=progress,
            layer_progress=layer_progress,
        )
    save_network(conversion.network, request.output)
    _print_summary(conversion)
    if request.test:
        shape = conversion.network.input_shape
        testing = load_images(request.images, shape=shape, **source).sample(request.test)
        accuracies = measure(conversion, testing, mean, std)
        OUT.print(
            f"right answers on {len(testing.images)} images: CNN {accuracies.cnn:.2f} %, float SNN "
            f"{accuracies.float_snn:.2f} %, integer network {accuracies.golden:.2f} %",
            highlight=False,
        )
    OUT.print(f"wrote {request.output}", highlight=False, soft_wrap=True)


def measure(
    conversion: Conversion, images: ImageSet, mean: tuple[float, ...], std: tuple[float, ...]
) -> Accuracies:
    """Accuracy of the CNN, the float SNN and the integer network on ``images``."""
    graph = conversion.graph.to("cpu")
    snn = conversion.snn.to("cpu")
    cnn_right = snn_right = 0
    with torch.inference_mode(), progress_bar("CNN and float SNN", len(images.images)) as progress:
        for start in range(0, len(images.images), 200):
            batch = normalised(images.images[start : start + 200], mean, std)
            labels = torch.from_numpy(images.labels[start : start + 200])
            cnn_right += int((analog_forward(graph, batch).argmax(1) == labels).sum())
            snn_right += int((snn(batch).flatten(1).argmax(1) == labels).sum())
            progress(len(batch))
    answers = simulate(conversion.network, images.images).answers
    count = len(images.images)
    return Accuracies(
        cnn=100 * cnn_right / count,
        float_snn=100 * snn_right / count,
        golden=100 * float(np.mean(answers == images.labels)),
    )


def _print_summary(conversion: Conversion) -> None:
    rows = []
    for row in conversion.summary():
        levels = row["threshold"]
        text = "no neurons" if levels is None else f"{levels[0]:.3g} .. {levels[1]:.3g}"
        weights = "" if row["weights"] is None else row["weights"]
        rows.append([row["layer"], row["fed by"], row["map"], weights, text])
    OUT.print(table("converted", ("layer", "fed by", "map", "weights", "thresholds"), rows))
    network, balanced = conversion.network, conversion.balance
    OUT.print(
        f"{network.coding.value} coding, T = {network.steps}, t0 = {network.delay} (first output "
        f"spike expected after {conversion.expected_first_spike:.1f} steps of rate coding), "
        f"{network.layers[0].connections[0].weight_bits}-bit weights, {network.readout.value} "
        "readout",
        highlight=False,
    )
    if balanced.iterations:
        end = ", where the thresholds had converged" if balanced.converged else ""
        OUT.print(f"balanced in {balanced.iterations} steps of eq. 15{end}", highlight=False)
    if isinstance(conversion.weight_bits, dict):
        widths = ", ".join(f"{name} {bits}" for name, bits in conversion.weight_bits.items())
        OUT.print(f"weight bits: {widths}", highlight=False)
    for path, why in conversion.outside:
        OUT.print(f"outside the network: {path} ({why})", highlight=False, markup=False)


def normalisation_of(
    images: str, mean: str | None, std: str | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """``--mean`` and ``--std`` as given, or those of a known set."""
    if (mean is None) != (std is None):
        raise RheobaseError("--mean, --std: accepted is both of them, or none for a known set")
    if mean is not None:
        return number_list("--mean", mean, float), number_list("--std", std, float)
    if images in NORMALISATION:
        return NORMALISATION[images]
    known = ", ".join(NORMALISATION)
    raise RheobaseError(f"--mean, --std: needed for {images} (known are {known})")


def _calibration(request: Request) -> Calibration | None:
    if not request.threshold_search and request.calibrate == "none":
        return None
    return Calibration(
        thresholds=request.threshold_search,
        initial=False,
        bias=0 if request.calibrate == "none" else 2,
        weights=2 if request.calibrate == "acp" else 0,
    )


def check_device(name: str) -> str:
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise RheobaseError(f"--device: {name!r} cannot be used ({reason})") from error
    return name
