"""``rheobase convert``: a trained model to a network file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..golden.errors import RheobaseError
from ..golden.network.choices import Coding, PoolRule, Readout
from ..options.files import OutputFile
from ..options.images import Calibration, ImageOptions, Images, TestImages
from ..options.models import ClassifierOptions, Model, WeightBits
from ..options.time_steps import CodingOption, NewDelay, NewSteps
from ..results.models import Converted, ConvertedLayer, RightAnswers

if TYPE_CHECKING:
    from ..converter.calibrate.calibration import Calibration as Fitted
    from ..converter.conversion import Conversion
    from ..converter.data.data import ImageSet
    from ..converter.measure.answers import Answers
    from ..converter.measure.side_by_side import SideBySide
    from ..converter.options import Options

#: Rows and columns of clips where nothing else is asked for.
_CLIP_CROP = 112


@dataclass(frozen=True)
class NetworkOptions:
    """The network that is made."""

    PANEL = "Network"

    coding: CodingOption = Coding.RATE
    steps: NewSteps = 8
    delay: NewDelay = None
    weight_bits: WeightBits = 8
    weight_budget: Annotated[
        str | None,
        typer.Option(
            "--weight-budget",
            help="Bits of all kernels: 1.1Mbit, 300kbit or 4bit/weight; sensitive layers get more.",
        ),
    ] = None
    spike_budget: Annotated[
        float | None,
        typer.Option(
            "--spike-budget",
            help="T on average, radix only: layers fire 1 to T planes, sensitive ones more, for as "
            "many synaptic operations as this T in all of them.",
        ),
    ] = None
    growth: Annotated[
        float | None,
        typer.Option(
            "--growth",
            help="Multiply linear layers out up to so many times the model's weights (inf: all); "
            "the others fire signed. In radix 1.1, in rate 3 where not given.",
        ),
    ] = None
    take_back: Annotated[
        bool | None,
        typer.Option(
            "--take-back/--no-take-back",
            help="Neurons take spikes back that they fired too early (rate): fewer wrong answers "
            "at small T, more events and adders. Recipe best does; without, neurons are the "
            "published ones (default: as the recipe).",
        ),
    ] = None
    readout: Annotated[
        Readout,
        typer.Option(
            "--readout", help="What is read: the last layer's summed currents, or its spike count."
        ),
    ] = Readout.CURRENT
    pool_rule: Annotated[
        PoolRule,
        typer.Option("--pool-rule", help="Max pooling on accumulated currents, or step by step."),
    ] = PoolRule.CUMULATIVE
    float_only: Annotated[
        bool,
        typer.Option(
            "--float",
            help="Leave the network in floating point, not lowered to integers: it then holds 3-d "
            "convolution, interpolation and GroupNorm too. Writes its thresholds.",
        ),
    ] = False


@dataclass(frozen=True)
class ThresholdOptions:
    """How thresholds are balanced, and what is calibrated."""

    PANEL = "Thresholds: balanced, then calibrated"

    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            help="Preset in place of --method and what is calibrated: best (where none of them "
            "is given), paper, robust, ltb, cltb, levels, search, lcp, acp, search-lcp, ...",
        ),
    ] = None
    method: Annotated[
        Literal["cltb", "ltb", "robust", "levels"] | None,
        typer.Option(
            "--method",
            help="What balances thresholds against activations, and nothing more: channel-wise or "
            "layer-wise local threshold balancing, a percentile (RobustNorm), or the least error "
            "at this T.",
        ),
    ] = None
    iterations: Annotated[
        int | None,
        typer.Option(
            "--iterations",
            min=1,
            help="K, the steps of balancing (eq. 14-15 of the paper); fewer leave lower thresholds "
            "(default: from T).",
        ),
    ] = None
    percentile: Annotated[
        float, typer.Option("--percentile", help="Percentile of --method robust.")
    ] = 99.0
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", help="Learning rate of eq. 15, in (0, 1].")
    ] = 1.0
    threshold_search: Annotated[
        bool,
        typer.Option(
            "--threshold-search", help="Thresholds by the least error of each layer's own output."
        ),
    ] = False
    calibrate: Annotated[
        Literal["none", "lcp", "acp"],
        typer.Option(
            "--calibrate", help="Light calibration for this T: of biases, or of weights too."
        ),
    ] = "none"
    calibrate_first: Annotated[
        bool, typer.Option("--calibrate-first", help="Calibrate before balancing, not after.")
    ] = False


def convert(
    model: Model,
    images: Images,
    reading: ImageOptions,
    source: ClassifierOptions,
    made: NetworkOptions,
    thresholds: ThresholdOptions,
    output: OutputFile = Path("network.safetensors"),
    calibration: Calibration = 1000,
    test_images: TestImages = None,
    count: Annotated[
        int,
        typer.Option(
            "--count",
            "-n",
            min=0,
            help="Test images, drawn at random, to compare CNN, SNN and network on (0: none).",
        ),
    ] = 1000,
    clip: Annotated[
        int | None,
        typer.Option(min=1, help="Frames of a clip, where --images is class folders of videos."),
    ] = None,
) -> Converted:
    """Convert a trained CNN into an integer IF network: no retraining, no labels needed.

    Thresholds are balanced on images, so that neurons fire as the CNN's activations say; then the
    network is lowered: weights, biases and thresholds become integers, exactly what hardware adds.
    """
    from ..console import note, progress_bar, wrote
    from ..converter.conversion import convert_graph
    from ..converter.data.batches import Batches
    from ..converter.data.data import with_hollow_classes
    from ..converter.data.model import load_model, model_shape, takes_images
    from ..converter.data.pixels import normalisation
    from ..converter.lower.budget import kernel_sizes, parse_budget
    from ..converter.measure.answers import answers_of
    from ..converter.options import method_name
    from ..converter.recording import recorded, with_accuracies
    from ..converter.rewrite.arrangement import with_read_outputs
    from ..converter.rewrite.rewrite import prepared
    from ..converter.snn.float_file import save_float_snn
    from ..converter.summary import summary_lines
    from ..converter.tracing.trace import trace
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import save_network

    options = _options(made, thresholds, source.device)
    if clip is not None and not made.float_only:
        raise RheobaseError("--clip: must be with --float, as 3-d convolution is float-only")
    mean, std = source.normalisation(images)
    check_writable(output)
    module = load_model(model, source.weights, note)
    training = _load(
        images,
        reading,
        clip,
        (calibration, 0),
        train=True,
        channels=len(mean) if len(mean) > 1 else None,
        takes=takes_images(module),
    )
    given = tuple(int(extent) for extent in training.images.shape[1:])
    # Where the model takes no such images, the trace says why.
    shape = model_shape(module, given) or given
    graph = prepared(trace(module, shape))
    mean, std = normalisation(mean, std, given[0])
    answers = answers_of(graph, source.answers)
    answers.check_readout(options.readout)
    training = with_hollow_classes(training, answers.classes_shape)
    testing = None
    if count:
        loaded = _load(test_images or images, reading, clip, (count, 0), shape=given)
        testing = _comparable(loaded, training, images, answers)
    sizes = kernel_sizes(with_read_outputs(graph))
    if made.weight_budget is not None:
        budget = parse_budget(made.weight_budget, sum(sizes.values()))
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
            name=output.stem,
            progress=progress,
            layer_progress=layer_progress,
        )
    if made.float_only:
        save_float_snn(conversion.snn, conversion.graph, output)
    else:
        conversion = recorded(
            conversion,
            training.images,
            mean=mean,
            std=std,
            model=model,
            weights="" if source.weights is None else source.weights.name,
            method=thresholds.recipe or method_name(options),
            classes=training.class_names,
        )
        save_network(conversion.network, output)
    layers, summary = _layers(conversion), summary_lines(conversion)
    _print_summary(layers, summary)
    found = None
    if testing is not None:
        found = _accuracies(conversion, answers, testing, mean, std)
        if found is not None and conversion.lowered is not None:
            measured = with_accuracies(
                conversion, len(testing.images), found.cnn, found.float_snn, found.golden
            )
            save_network(measured.network, output)
    wrote(output)
    snn = conversion.snn
    return Converted(
        file=str(output),
        kind="float SNN" if made.float_only else "network",
        coding=snn.coding.value,
        T=snn.steps,
        t0=snn.delay,
        layers=layers,
        summary=summary,
        right_answers=None
        if found is None or testing is None
        else RightAnswers(len(testing.images), found.cnn, found.float_snn, found.golden),
    )


def _options(made: NetworkOptions, thresholds: ThresholdOptions, device: str) -> Options:
    from ..converter.options import Options, check_device, check_options
    from ..converter.recipes import chosen, with_recipe
    from ..converter.thresholds.balancing import Method

    check_device(device)
    options = Options(
        coding=made.coding,
        steps=made.steps,
        delay=made.delay,
        weight_bits=made.weight_bits,
        growth=made.growth,
        take_back=made.take_back,
        spike_budget=made.spike_budget,
        readout=made.readout,
        rule=made.pool_rule,
        method=None if thresholds.method is None else Method(thresholds.method),
        iterations=thresholds.iterations,
        percentile=thresholds.percentile,
        learning_rate=thresholds.learning_rate,
        calibration=_calibration(thresholds),
        calibrate_first=thresholds.calibrate_first,
        device=device,
        lower=not made.float_only,
    )
    if thresholds.recipe is not None:
        if options.calibration is not None:
            raise RheobaseError(
                "--recipe: must be without --threshold-search and --calibrate, which it sets"
            )
        options = with_recipe(options, thresholds.recipe)
    if made.float_only and (made.weight_bits != 8 or made.weight_budget is not None):
        raise RheobaseError("--float: must be without --weight-bits and --weight-budget")
    check_options(options)
    return chosen(options)


def _calibration(thresholds: ThresholdOptions) -> Fitted | None:
    from ..converter.calibrate.calibration import Calibration

    if not thresholds.threshold_search and thresholds.calibrate == "none":
        return None
    return Calibration(
        thresholds=thresholds.threshold_search,
        initial=False,
        bias=0 if thresholds.calibrate == "none" else 2,
        weights=2 if thresholds.calibrate == "acp" else 0,
    )


def _load(
    source: str, reading: ImageOptions, clip: int | None, sample: tuple[int, int], **wanted: object
) -> ImageSet:
    """Images, or clips of videos, one of each."""
    from ..converter.data.video import ClipShape, load_clips

    if clip is None:
        return reading.load(source, sample=sample, labelled=False, **wanted)
    if reading.resize is not None:
        raise RheobaseError("--resize: must be without --clip, which takes it from --crop")
    shape = ClipShape.of_crop(reading.crop or _CLIP_CROP, frames=clip, clips=1)
    return load_clips(Path(source), shape, sample=sample)


def _comparable(testing: ImageSet, training: ImageSet, images: str, answers: Answers) -> ImageSet:
    """``testing`` with labels that are the model's, which is known before converting."""
    from ..converter.data.data import matched_classes

    # Names of torchvision are spelt in its own way, and are compared with no folder's.
    trained = training.class_names if Path(images).is_dir() else ()
    return matched_classes(testing, answers.classes_shape, trained)


def _accuracies(
    conversion: Conversion,
    answers: Answers,
    testing: ImageSet,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> SideBySide | None:
    """Right answers, which are printed; None where it is not known which answers are right."""
    from ..console import note, progress_bar, say
    from ..converter.measure.side_by_side import side_by_side

    if answers.unreadable:
        note(
            f"right answers are not measured: {answers.unreadable} (`rheobase evaluate` measures "
            "maps)"
        )
        return None
    if not testing.labelled:
        note("images without labels: right answers are not known")
        return None
    with progress_bar("CNN and float SNN", len(testing.images)) as progress:
        found = side_by_side(conversion, testing, mean, std, answers, progress)
    if answers.reading:
        note(f"answers: {answers.reading}")
    golden = "" if found.golden is None else f", integer network {found.golden:.2f} %"
    say(
        f"right answers on {len(testing.images)} images: CNN {found.cnn:.2f} %, float SNN "
        f"{found.float_snn:.2f} %{golden}"
    )
    return found


def _layers(conversion: Conversion) -> list[ConvertedLayer]:
    return [
        ConvertedLayer(
            name=row["layer"],
            fed_by=row["fed by"],
            map=row["map"],
            T=row["T"],
            weights=row["weights"],
            threshold=row["threshold"],
        )
        for row in conversion.summary()
    ]


def _print_summary(layers: list[ConvertedLayer], lines: list[str]) -> None:
    from ..console import say, show
    from ..tables import table

    rows = []
    differ = len({layer.T for layer in layers} - {None}) > 1
    for layer in layers:
        levels = layer.threshold
        text = "no neurons" if levels is None else f"{levels[0]:.3g} .. {levels[1]:.3g}"
        weights = "" if layer.weights is None else layer.weights
        own = [layer.T or ""] if differ else []
        rows.append([layer.name, layer.fed_by, layer.map, *own, weights, text])
    names = ("layer", "fed by", "map", *(["T"] if differ else []), "weights", "thresholds")
    show(table("converted", names, rows))
    for line in lines:
        say(line)
