"""``rheobase demo``: the whole path once, on scikit-learn's scanned digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from ..boards.builds.built_verilog import write_verilog
from ..console import OUT, progress_bar, working
from ..converter.conversion import Conversion, Options, convert, normalised
from ..converter.data.data import NORMALISATION, ImageSet, load_images
from ..converter.measure.answers import answers_of
from ..converter.recording import with_accuracies
from ..golden.answers import class_answers
from ..golden.file import save_network
from ..golden.network import Coding, Readout
from ..golden.output_files import check_folder, make_folder
from ..hw.design.folding import Folding
from ..hw.planning.default_folding import default_folding
from ..sim.batch import build_simulation
from ..sim.comparison import Comparison, simulate
from ..tables import HARDWARE_COLUMNS, hardware_rows, table
from .convert import Accuracies, measure

#: The codings that the demo shows, the first one under the plain file names.
SETTINGS = (
    Options(coding=Coding.RATE, steps=8, weight_bits=8, readout=Readout.CURRENT),
    Options(coding=Coding.RADIX, steps=3, weight_bits=4, readout=Readout.CURRENT),
)


@dataclass(frozen=True, eq=False)
class Shown:
    """One coding's results."""

    options: Options
    conversion: Conversion
    accuracies: Accuracies
    comparison: Comparison
    folding: Folding
    hardware_accuracy: float


def cnn() -> nn.Sequential:
    """Two 3x3 convolutions with batch normalisation and max pooling, for 8 x 8 grey images."""
    layers: list[nn.Module] = []
    channels = 1
    for width in (8, 16):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 2 * 2, 10))


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int, seed: int) -> None:
    """Train ``model`` in place: Adam, one-cycle learning rate, batches of 32."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), weight_decay=1e-4)
    batches = -(-len(images) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=0.02, total_steps=epochs * batches
    )
    model.train()
    with progress_bar("training", epochs) as progress:
        for _ in range(epochs):
            for picked in torch.randperm(len(images), generator=generator).split(32):
                loss = functional.cross_entropy(model(images[picked]), labels[picked])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            progress(1)
    model.eval()


def run(output: Path, seed: int) -> bool:
    """Train, convert, generate, simulate and compare; True where hardware and golden agree."""
    check_folder(output)
    make_folder(output)
    training, testing = load_images("digits", train=True), load_images("digits")
    mean, std = NORMALISATION["digits"]
    torch.manual_seed(seed)
    model = cnn()
    images = normalised(training.images, mean, std)
    train(model, images, torch.from_numpy(training.labels), epochs=20, seed=seed)
    shown = [_show(model, options, training, testing, output) for options in SETTINGS]
    _print(shown, len(testing.images))
    for name in sorted(path.name for path in output.iterdir() if path.is_file()):
        OUT.print(f"wrote {output / name}", highlight=False, soft_wrap=True)
    return all(result.comparison.equal for result in shown)


def _show(
    model: nn.Module, options: Options, training: ImageSet, testing: ImageSet, output: Path
) -> Shown:
    """One coding: convert, write the files, simulate the Verilog that was written."""
    mean, std = NORMALISATION["digits"]
    coding = options.coding.value
    conversion = convert(
        model, training.images, mean=mean, std=std, options=options, name=f"digits-{coding}",
        classes=training.class_names,
    )  # fmt: skip
    count = len(testing.images)
    accuracies = measure(conversion, testing, mean, std, answers_of(conversion.graph))
    conversion = with_accuracies(
        conversion, count, accuracies.cnn, accuracies.float_snn, accuracies.golden
    )
    network = conversion.network
    suffix = "" if options is SETTINGS[0] else f"-{coding}"
    with working(f"{coding}: generating and building"):
        save_network(network, output / f"network{suffix}.safetensors")
        written = write_verilog(
            network, default_folding(network), output / f"accelerator{suffix}.v"
        )
        built = build_simulation(network, written.folding, verilog=written.text)
    with progress_bar(f"{coding}: simulating the Verilog", count) as progress:
        comparison = simulate(built, testing.images, record_images=count, progress=progress)
    right = class_answers(comparison.hardware.scores) == testing.labels
    return Shown(
        options=options,
        conversion=conversion,
        accuracies=accuracies,
        comparison=comparison,
        folding=built.folding,
        hardware_accuracy=100 * float(right.mean()),
    )


def _print(shown: list[Shown], images: int) -> None:
    """One table, a column for each coding."""
    rows: list[list[object]] = []

    def row(title: str, value: Callable[[Shown], object]) -> None:
        rows.append([title, *(value(result) for result in shown)])

    row("weight bits", lambda r: r.options.weight_bits)
    row("T", lambda r: r.conversion.network.steps)
    row("t0", lambda r: r.conversion.network.delay)
    row("right answers, CNN", lambda r: f"{r.accuracies.cnn:.2f} %")
    row("right answers, float SNN", lambda r: f"{r.accuracies.float_snn:.2f} %")
    row("right answers, integer golden model", lambda r: f"{r.accuracies.golden:.2f} %")
    row("right answers, hardware (Verilog)", lambda r: f"{r.hardware_accuracy:.2f} %")
    row("answers that differ, hardware - golden", lambda r: r.comparison.answer_mismatches)
    row("spikes compared, all layers", lambda r: sum(x.spikes for x in r.comparison.layers))
    row("spikes that differ", lambda r: r.comparison.spike_mismatches)
    row("cycles per image", lambda r: f"{r.comparison.hardware.cycles_per_image:.0f}")
    listed = [hardware_rows(result.comparison, result.folding) for result in shown]
    for index, layer in enumerate(shown[0].comparison.layers):
        for column, title in enumerate(HARDWARE_COLUMNS[:-1]):
            if column and any(part[index][column] != "" for part in listed):
                name = f"layer {layer.name}: {title}"
                rows.append([name, *(part[index][column] for part in listed)])
    columns = (f"scanned digits, {images} test images", *(r.options.coding.value for r in shown))
    OUT.print(table("", columns, rows))
