"""``rheobase convert``: a trained model to a network file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..console import OUT, progress_bar
from ..converter.calibrate.calibration import Calibration
from ..converter.conversion import (
    Conversion,
    Options,
    check_options,
    convert_graph,
    method_name,
    normalisation,
)
from ..converter.data.batches import Batches
from ..converter.data.data import (
    NORMALISATION,
    ImageSet,
    Takes,
    load_images,
    matched_classes,
    with_hollow_classes,
)
from ..converter.data.image_files import AS_IT_IS, Sizing
from ..converter.data.model import load_model, model_shape, takes_images
from ..converter.data.video import ClipShape, load_clips
from ..converter.lower.budget import kernel_sizes, parse_budget
from ..converter.measure.answers import Answers, answers_of
from ..converter.recipes import with_recipe
from ..converter.recording import recorded, with_accuracies
from ..converter.rewrite.arrangement import with_read_outputs
from ..converter.rewrite.rewrite import prepared
from ..converter.snn.float_file import save_float_snn
from ..converter.thresholds.balancing import Method
from ..converter.tracing.trace import trace
from ..golden.answers import class_answers
from ..golden.errors import RheobaseError
from ..golden.file import save_network
from ..golden.network import Coding, PoolRule, Readout
from ..golden.output_files import check_writable
from ..golden.run import run_golden
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
    float_only: bool = False
    test_images: str | None = None
    sizing: Sizing = AS_IT_IS
    clip: int | None = None
    answers: str | None = None


@dataclass(frozen=True)
class Accuracies:
    """Percentages of right answers on the same images; ``golden`` None without integer network."""

    cnn: float
    float_snn: float
    golden: float | None


def run(request: Request) -> None:
    """Convert, write the file, and print what was converted and how well it answers."""
    options = _options(request)
    mean, std = normalisation_of(request.images, request.mean, request.std)
    check_writable(request.output)
    model = load_model(request.model, request.weights, _say)
    training = _images(
        request, request.images, (request.calibration, 0), True,
        channels=len(mean) if len(mean) > 1 else None, takes=takes_images(model),
    )  # fmt: skip
    given = tuple(int(extent) for extent in training.images.shape[1:])
    # Where the model takes no such images, the trace says why.
    shape = model_shape(model, given) or given
    graph = prepared(trace(model, shape))
    mean, std = normalisation(mean, std, int(training.images.shape[1]))
    answers = answers_of(graph, request.answers)
    answers.check_readout(options.readout)
    training = with_hollow_classes(training, answers.classes_shape)
    testing = _testing(request, training, answers) if request.test else None
    sizes = kernel_sizes(with_read_outputs(graph))
    if request.weight_budget is not None:
        budget = parse_budget(request.weight_budget, sum(sizes.values()))
        options = replace(options, weight_budget=budget)
    with (
        progress_bar("balancing", len(training.images)) as progress,
        progress_bar("calibrating layers", len(sizes)) as layer_progress,
    ):
        conversion = convert_graph(
            graph,
            Batches(training.images.reshape(-1, *shape), mean, std),
            mean=mean,
            std=std,
            options=options,
            name=Path(request.output).stem,
            progress=progress,
            layer_progress=layer_progress,
        )
    if request.float_only:
        save_float_snn(conversion.snn, conversion.graph, request.output)
    else:
        conversion = recorded(
            conversion,
            training.images,
            mean=mean,
            std=std,
            model=request.model,
            weights="" if request.weights is None else Path(request.weights).name,
            method=request.recipe or method_name(options),
            classes=training.class_names,
        )
        save_network(conversion.network, request.output)
    _print_summary(conversion)
    if testing is not None:
        found = _print_accuracies(conversion, answers, testing, mean, std)
        if found is not None and conversion.lowered is not None:
            measured = with_accuracies(
                conversion, len(testing.images), found.cnn, found.float_snn, found.golden
            )
            save_network(measured.network, request.output)
    OUT.print(f"wrote {request.output}", highlight=False, soft_wrap=True)


def _options(request: Request) -> Options:
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
        lower=not request.float_only,
    )
    if request.recipe is not None:
        if request.threshold_search or request.calibrate != "none":
            raise RheobaseError(
                "--recipe: accepted is without --threshold-search and --calibrate, which it sets"
            )
        options = with_recipe(options, request.recipe)
    if request.float_only and (request.weight_bits != 8 or request.weight_budget is not None):
        raise RheobaseError("--float: accepted is without --weight-bits and --weight-budget")
    if request.clip is not None and not request.float_only:
        raise RheobaseError("--clip: accepted is with --float, as 3-d convolution is float-only")
    check_options(options)
    return options


def _say(line: str) -> None:
    OUT.print(line, highlight=False, markup=False, soft_wrap=True)


def _testing(request: Request, training: ImageSet, answers: Answers) -> ImageSet:
    """Images to test on; whether their labels are those of the model is known before converting."""
    shape = tuple(int(extent) for extent in training.images.shape[1:])
    source = request.test_images or request.images
    testing = _images(request, source, (request.test, 0), False, shape=shape)
    # Names of torchvision are spelt in its own way, and are compared with no folder's.
    folder = Path(request.images).is_dir()
    trained = training.class_names if folder else ()
    return matched_classes(testing, answers.classes_shape, trained)


def _images(
    request: Request,
    source: str,
    sample: tuple[int, int],
    train: bool,
    *,
    shape: tuple[int, ...] | None = None,
    channels: int | None = None,
    takes: Takes | None = None,
) -> ImageSet:
    """Images, or clips of videos, one of each."""
    if request.clip is None:
        return load_images(
            source,
            data_root=request.data_root,
            download=request.download,
            train=train,
            sample=sample,
            sizing=request.sizing,
            shape=shape,
            channels=channels,
            takes=takes,
            labelled=False,
        )
    if request.sizing.resize is not None:
        raise RheobaseError("--resize: accepted is without --clip, which takes it from --crop")
    shape = ClipShape.of_crop(request.sizing.crop or 112, frames=request.clip, clips=1)
    return load_clips(Path(source), shape, sample=sample)


def _print_accuracies(
    conversion: Conversion,
    answers: Answers,
    testing: ImageSet,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Accuracies | None:
    """Right answers, where it is known which answers are right; None where it is not."""
    if answers.unreadable:
        OUT.print(
            f"right answers are not measured: {answers.unreadable} (`rheobase evaluate` measures "
            "maps)",
            highlight=False,
            markup=False,
        )
        return None
    if not testing.labelled:
        OUT.print("images without labels: right answers are not known", highlight=False)
        return None
    accuracies = measure(conversion, testing, mean, std, answers)
    if answers.reading:
        OUT.print(f"answers: {answers.reading}", highlight=False, markup=False)
    golden = "" if accuracies.golden is None else f", integer network {accuracies.golden:.2f} %"
    OUT.print(
        f"right answers on {len(testing.images)} images: CNN {accuracies.cnn:.2f} %, float SNN "
        f"{accuracies.float_snn:.2f} %{golden}",
        highlight=False,
    )
    return accuracies


def measure(
    conversion: Conversion,
    images: ImageSet,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    answers: Answers,
) -> Accuracies:
    """Accuracy of the CNN, the float SNN and, where there is one, the integer network."""
    graph = conversion.graph.to("cpu")
    snn = answers.at_scores(conversion.snn.to("cpu"))
    cnn_right = snn_right = 0
    batches = Batches(images.images.reshape(-1, *graph.input_shape), mean, std)
    truth = [labels.numpy() for labels in batches.cut(torch.from_numpy(images.labels))]
    with torch.inference_mode(), progress_bar("CNN and float SNN", len(images.images)) as progress:
        for batch, labels in zip(batches, truth, strict=True):
            cnn_right += int((answers.of_graph(graph, batch) == labels).sum())
            scores = snn.run(batch).outputs()[answers.label]
            snn_right += int((class_answers(scores.numpy()) == labels).sum())
            progress(len(batch))
    count = len(images.images)
    golden = None
    if conversion.lowered is not None:
        outputs = run_golden(conversion.network, images.images).outputs
        found = answers.of_network(conversion.lowered, outputs)
        golden = 100 * float(np.mean(found == images.labels))
    return Accuracies(100 * cnn_right / count, 100 * snn_right / count, golden)


def _print_summary(conversion: Conversion) -> None:
    rows = []
    for row in conversion.summary():
        levels = row["threshold"]
        text = "no neurons" if levels is None else f"{levels[0]:.3g} .. {levels[1]:.3g}"
        weights = "" if row["weights"] is None else row["weights"]
        rows.append([row["layer"], row["fed by"], row["map"], weights, text])
    OUT.print(table("converted", ("layer", "fed by", "map", "weights", "thresholds"), rows))
    snn, balanced = conversion.snn, conversion.balance
    if conversion.lowered is None:
        weights = "float"
    else:
        weights = f"{conversion.network.layers[0].connections[0].weight_bits}-bit"
    OUT.print(
        f"{snn.coding.value} coding, T = {snn.steps}, t0 = {snn.delay} (first output "
        f"spike expected after {conversion.expected_first_spike:.1f} steps of rate coding), "
        f"{weights} weights, {snn.readout.value} readout",
        highlight=False,
    )
    if balanced.iterations:
        end = ", where the thresholds had converged" if balanced.converged else ""
        OUT.print(f"balanced in {balanced.iterations} steps of eq. 15{end}", highlight=False)
    if isinstance(conversion.weight_bits, dict):
        widths = ", ".join(f"{name} {bits}" for name, bits in conversion.weight_bits.items())
        OUT.print(f"weight bits: {widths}", highlight=False)
    OUT.print(_weights_line(conversion), highlight=False, markup=False)
    _print_constant_channels(conversion)
    for line in fit_lines(conversion):
        OUT.print(line, highlight=False)
    for path, why in conversion.outside:
        OUT.print(f"outside the network: {path} ({why})", highlight=False, markup=False)


def _weights_line(conversion: Conversion) -> str:
    """The model's weights, those that the network holds, and those that nothing depends on."""
    counted = conversion.weights
    where = "float SNN" if conversion.lowered is None else "network"
    line = f"weights: {counted.held} of the model's {counted.model} in the {where}"
    if counted.unused:
        named = ", ".join(counted.unused[:3])
        more = f" and {len(counted.unused) - 3} more" if len(counted.unused) > 3 else ""
        line += f"; its result does not depend on the others ({named}{more})"
    return line


def _print_constant_channels(conversion: Conversion) -> None:
    if conversion.lowered is None:
        return
    layers = [layer for layer in conversion.lowered.layers if layer.spike is not None]
    found = {layer.name: int(layer.constant.sum()) for layer in layers}
    if not any(found.values()):
        return
    listed = ", ".join(f"{name} {count}" for name, count in found.items() if count)
    OUT.print(
        f"constant channels: {sum(found.values())} of {sum(len(x.constant) for x in layers)}, as "
        f"their weights cannot move a neuron within T = {conversion.snn.steps} ({listed})",
        highlight=False,
        markup=False,
    )


def fit_lines(conversion: Conversion) -> list[str]:
    """What became of the calibration, and which layers kept the weights that it was to change."""
    lines, fit = [], conversion.fit
    if fit is not None:
        how = "held back from the fit" if fit.held_back else "of the fit"
        lines.append(
            f"{'kept' if fit.kept else 'not kept'}: what was fitted; of the model's outputs the "
            f"network leaves {100 * fit.fitted:.2f} % unexplained with it, {100 * fit.plain:.2f} % "
            f"without ({fit.images} images {how})"
        )
    if conversion.calibrated is not None and conversion.calibrated.unchanged:
        reasons: dict[str, list[str]] = {}
        for name, why in conversion.calibrated.unchanged.items():
            reasons.setdefault(why, []).append(name)
        for why, names in reasons.items():
            lines.append(f"weights not fitted (ACP): {', '.join(names)} ({why})")
    return lines


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
