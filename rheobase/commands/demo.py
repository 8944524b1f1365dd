"""``rheobase demo``: the whole path once, on scikit-learn's scanned digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options.files import OutputFolder
from ..results.hardware import Compared, Demonstrated, DemonstratedCoding
from ..results.models import RightAnswers

if TYPE_CHECKING:
    from torch import nn

    from ..converter.conversion import Conversion
    from ..converter.data.data import ImageSet
    from ..converter.options import Options

_EPOCHS = 20
#: What its reports hold the hardware's size against.
_BOARD = "ulx3s-12f"


@dataclass(frozen=True, eq=False)
class _Shown:
    """One coding's results."""

    options: Options
    conversion: Conversion
    right: RightAnswers
    compared: Compared


def demo(
    output: OutputFolder = Path("build/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
) -> Demonstrated:
    """Train a small CNN on scanned digits, convert it, and prove its Verilog on all of them."""
    import torch

    from ..console import progress_bar, say, wrote
    from ..converter.data.data import NORMALISATION, load_images
    from ..converter.data.pixels import normalised
    from ..converter.options import Options
    from ..demo_model import cnn, train
    from ..golden.basics.output_files import check_folder, make_folder
    from ..golden.network.choices import Coding
    from ..reporting.contents import Subject
    from .report import write_with_progress

    #: The first coding's files have the plain names.
    settings = (
        Options(coding=Coding.RATE, steps=8, weight_bits=8, method="cltb"),
        Options(coding=Coding.RADIX, steps=3, weight_bits=4, method="cltb"),
    )
    check_folder(output)
    make_folder(output)
    training, testing = load_images("digits", train=True), load_images("digits")
    torch.manual_seed(seed)
    model = cnn()
    images = normalised(training.images, *NORMALISATION["digits"])
    labels = torch.from_numpy(training.labels)
    with progress_bar("training", _EPOCHS) as progress:
        train(model, images, labels, epochs=_EPOCHS, seed=seed, progress=progress)
    suffixes = ["" if options is settings[0] else f"-{options.coding}" for options in settings]
    shown = [
        _show(model, options, training, testing, output, suffix)
        for options, suffix in zip(settings, suffixes, strict=True)
    ]
    _print(shown, len(testing.images))
    for suffix, result in zip(suffixes, shown, strict=True):
        subject = Subject(
            network=result.conversion.network,
            images=testing.images,
            labels=testing.labels,
            source="scanned digits",
            model=model,
            build=output / f"accelerator{suffix}.v",
            board=_BOARD,
        )
        write_with_progress(subject, output / f"report{suffix}.html")
    files = sorted(path for path in output.iterdir() if path.is_file())
    wrote(*files)
    page = output / "report.html"
    say(f"open {page} in a browser")
    return Demonstrated(
        codings=[
            DemonstratedCoding(
                coding=result.options.coding.value,
                weight_bits=result.options.weight_bits,
                right_answers=result.right,
                comparison=result.compared,
            )
            for result in shown
        ],
        files=[str(path) for path in files],
        report=str(page),
    )


def _show(
    model: nn.Module,
    options: Options,
    training: ImageSet,
    testing: ImageSet,
    output: Path,
    suffix: str,
) -> _Shown:
    """One coding: convert, write the files, simulate the Verilog that was written."""
    from ..boards.builds.built_verilog import write_verilog
    from ..building.design import Design
    from ..console import progress_bar, working
    from ..converter.conversion import convert
    from ..converter.data.data import NORMALISATION
    from ..converter.measure.answers import answers_of
    from ..converter.measure.side_by_side import side_by_side
    from ..converter.recording import with_accuracies
    from ..golden.files.file import save_network
    from ..golden.run.answers import class_answers
    from ..hw.planning.default_folding import default_folding
    from ..reporting.hardware import watched_build
    from ..sim.comparison import simulate
    from .simulate import compared

    mean, std = NORMALISATION["digits"]
    coding = options.coding.value
    conversion = convert(
        model,
        training.images,
        mean=mean,
        std=std,
        options=options,
        name=f"digits-{coding}",
        classes=training.class_names,
    )
    count = len(testing.images)
    with progress_bar(f"{coding}: CNN and float SNN", count) as progress:
        accuracies = side_by_side(
            conversion, testing, mean, std, answers_of(conversion.graph), progress
        )
    conversion = with_accuracies(
        conversion, count, accuracies.cnn, accuracies.float_snn, accuracies.golden
    )
    network = conversion.network
    with working(f"{coding}: generating and building"):
        save_network(network, output / f"network{suffix}.safetensors")
        written = write_verilog(
            network, default_folding(network), output / f"accelerator{suffix}.v"
        )
        # The report runs the same build again, and finds it in the cache.
        built = watched_build(network, Design(written.folding, written.text))
    with progress_bar(f"{coding}: simulating the Verilog", count) as progress:
        comparison = simulate(built, testing.images, record_images=count, progress=progress)
    right = class_answers(comparison.hardware.scores) == testing.labels
    return _Shown(
        options=options,
        conversion=conversion,
        right=RightAnswers(
            images=count,
            cnn=accuracies.cnn,
            float_snn=accuracies.float_snn,
            network=accuracies.golden,
            hardware=100 * float(right.mean()),
        ),
        compared=compared(comparison, built.folding),
    )


def _print(shown: list[_Shown], images: int) -> None:
    """One table, a column for each coding."""
    from ..console import show
    from ..tables import HARDWARE_COLUMNS, hardware_rows, table

    rows: list[list[object]] = []

    def row(title: str, value: Callable[[_Shown], object]) -> None:
        rows.append([title, *(value(result) for result in shown)])

    row("weight bits", lambda r: r.options.weight_bits)
    row("T", lambda r: r.conversion.network.steps)
    row("t0", lambda r: r.conversion.network.delay)
    row("right answers, CNN", lambda r: f"{r.right.cnn:.2f} %")
    row("right answers, float SNN", lambda r: f"{r.right.float_snn:.2f} %")
    row("right answers, integer golden model", lambda r: f"{r.right.network:.2f} %")
    row("right answers, hardware (Verilog)", lambda r: f"{r.right.hardware:.2f} %")
    row("answers that differ, hardware - golden", lambda r: r.compared.answers_that_differ)
    row("spikes compared, all layers", lambda r: sum(x.spikes or 0 for x in r.compared.layers))
    row("spikes that differ", lambda r: r.compared.spikes_that_differ)
    row("cycles per image", lambda r: f"{r.compared.cycles_per_image:.0f}")
    listed = [hardware_rows(result.compared) for result in shown]
    for index, layer in enumerate(shown[0].compared.layers):
        for column, title in enumerate(HARDWARE_COLUMNS[:-1]):
            if column and any(part[index][column] != "" for part in listed):
                name = f"layer {layer.name}: {title}"
                rows.append([name, *(part[index][column] for part in listed)])
    columns = (f"scanned digits, {images} test images", *(r.options.coding.value for r in shown))
    show(table("", columns, rows))
