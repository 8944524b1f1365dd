"""Figures of ResNet-20 on JPEG CIFAR-10, one line of JSON each.

    python -m benchmarks.resnet20 --shared ../shared [--images 2000] [--only resnet20_best]

Each line is {"name", "value", "unit", "bound"}. Losses are in points below the CNN on the same
test images, so their bound is 0. Calibration images come from the training folder; no recipe sees a
label. Where SHARED lacks the weights or the images nothing is measured, and a line says so.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from examples import resnet20
from rheobase.converter.conversion import Conversion, convert_graph
from rheobase.converter.data.batches import Batches
from rheobase.converter.data.data import ImageSet, load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.lower.budget import kernel_sizes, parse_budget
from rheobase.converter.measure.accuracy import accuracy_table
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.thresholds.balancing import balance
from rheobase.converter.thresholds.delay import choose_delay, first_output_spike
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from rheobase.golden.run.run import run_golden

from .figures import IMAGES, WEIGHTS, show, skipped

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "resnet20.py"
RATE, RADIX = Coding.RATE, Coding.RADIX
#: Average bits of a weight in the 4-bit figures.
AVERAGE_BITS = "4bit/weight"


@dataclass(frozen=True)
class Figure:
    """One conversion that is measured: on the float SNN, or on the golden model."""

    name: str
    recipe: str
    coding: Coding
    steps: int
    golden: bool = False
    budget: str | None = None
    spike_budget: float | None = None
    take_back: bool | None = None


FIGURES = (
    Figure("resnet20_cltb_rate32_golden_loss", "cltb", RATE, 32, golden=True),
    *(Figure(f"resnet20_best_rate{steps}_loss", "best", RATE, steps) for steps in (32, 16, 8)),
    *(
        Figure(f"resnet20_best_rate{steps}_w8_golden_loss", "best", RATE, steps, golden=True)
        for steps in (32, 16, 8)
    ),
    # Published neurons, whose spikes stay fired.
    *(
        Figure(f"resnet20_best_rate{steps}_published_loss", "best", RATE, steps, take_back=False)
        for steps in (32, 16, 8)
    ),
    *(
        Figure(f"resnet20_best_radix{steps}_w8_golden_loss", "best", RADIX, steps, golden=True)
        for steps in (4, 3, 2)
    ),
    *(
        Figure(f"resnet20_best_radix_mean{mean}_golden_loss", "best", RADIX, most, True, None, mean)
        for most, mean in ((3, 2.0), (4, 3.0), (5, 3.5))
    ),
    Figure("resnet20_best_rate32_w4_golden_loss", "best", RATE, 32, True, AVERAGE_BITS),
    Figure("resnet20_best_radix4_w4_golden_loss", "best", RADIX, 4, True, AVERAGE_BITS),
)
#: Balancing alone, whose thresholds do not depend on T: one simulation gives both.
BALANCING, BALANCED_STEPS = ("cltb", "ltb", "robust"), (32, 64)
#: What the table of recipes adds (docs/results/resnet20.md).
ABLATION = tuple(
    Figure(f"resnet20_ablation_{recipe}_{coding.value}{steps}_loss", recipe, coding, steps)
    for coding, steps in ((RATE, 16), (RATE, 8), (RADIX, 3))
    for recipe in ("cltb", "search", "lcp", "acp", "search-lcp", "best")
)


class Bench:
    """The model, images, and what several figures share."""

    def __init__(self, shared: Path, images: int, calibration: int) -> None:
        self.model = load_model(f"{EXAMPLE}:resnet20", shared / WEIGHTS)
        folder = shared / IMAGES
        self.testing = load_images(str(folder / "test")).sample(images, seed=1)
        training = load_images(str(folder / "train"))
        self.tested = Batches(self.testing.images, resnet20.MEAN, resnet20.STD)
        self.labels = self.tested.cut(torch.from_numpy(self.testing.labels))
        self.training: ImageSet = training.sample(calibration, seed=2)
        self.graph = prepared(trace(self.model, (3, 32, 32)))
        self.batches = Batches(self.training.images, resnet20.MEAN, resnet20.STD)

    @cached_property
    def cnn_answers(self) -> np.ndarray:
        with torch.inference_mode():
            return self._answers(lambda batch: analog_forward(self.graph, batch))

    @property
    def cnn_accuracy(self) -> float:
        return 100 * float(np.mean(self.cnn_answers == self.testing.labels))

    def _answers(self, scores: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        return torch.cat([scores(batch).argmax(1) for batch in self.tested]).numpy()

    def convert(self, figure: Figure) -> Conversion:
        options = Options(
            figure.coding,
            figure.steps,
            spike_budget=figure.spike_budget,
            take_back=figure.take_back,
        )
        options = with_recipe(options, figure.recipe)
        if figure.budget is not None:
            weights = sum(kernel_sizes(self.graph).values())
            options = replace(options, weight_budget=parse_budget(figure.budget, weights))
        options = replace(options, lower=figure.golden)
        return convert_graph(
            self.graph, self.batches, mean=resnet20.MEAN, std=resnet20.STD, options=options
        )

    def answers(self, figure: Figure, conversion: Conversion) -> np.ndarray:
        if figure.golden:
            return run_golden(conversion.network, self.testing.images).answers
        return self._answers(conversion.snn)


def loss_figures(bench: Bench, figures: list[Figure]) -> None:
    """Points below the CNN, their standard error image by image, and answers as the CNN's."""
    show("resnet20_cnn_accuracy", bench.cnn_accuracy, "%", 100)
    truth = bench.testing.labels
    for figure in figures:
        answers = bench.answers(figure, bench.convert(figure))
        lost = 100 * ((bench.cnn_answers == truth).astype(float) - (answers == truth))
        show(figure.name, lost.mean(), "points", 0)
        show(f"{figure.name}_scatter", lost.std() / len(lost) ** 0.5, "points", None)
        same = 100 * float(np.mean(answers == bench.cnn_answers))
        show(figure.name.removesuffix("_loss") + "_same_answers", same, "%", 100)


def balancing_figures(bench: Bench, only: str) -> None:
    """Points below the CNN with balanced thresholds and nothing else, at t0 = 0 and delayed."""
    for recipe in BALANCING:
        prefix = f"resnet20_{recipe}_rate"
        if not any(only in f"{prefix}{steps}_float_loss" for steps in BALANCED_STEPS):
            continue
        conversion = bench.convert(Figure("", recipe, RATE, max(BALANCED_STEPS)))
        expected = first_output_spike(bench.graph, conversion.balance)
        delays = {steps: choose_delay(expected, steps) for steps in BALANCED_STEPS}
        table = accuracy_table(
            conversion.snn,
            bench.tested,
            bench.labels,
            list(BALANCED_STEPS),
            sorted({0, *delays.values()}),
        ).table
        for steps, delay in delays.items():
            name = f"{prefix}{steps}_float_loss"
            if only in name:
                show(f"{name}_undelayed", bench.cnn_accuracy - table[steps, 0], "points", 0)
                show(name, bench.cnn_accuracy - table[steps, delay], "points", 0)
                show(f"{prefix}{steps}_delay", delay, "steps", None)


def conversion_time(bench: Bench) -> None:
    """Balancing by CLTB over one inference pass of the same images; medians of alternating runs."""
    ratios = []
    batches = [bench.batches[index] for index in range(min(5, len(bench.batches)))]
    for _ in range(5):
        start = time.perf_counter()
        with torch.inference_mode():
            for batch in batches:
                analog_forward(bench.graph, batch)
        middle = time.perf_counter()
        balance(bench.graph, batches, iterations=500)
        ratios.append((time.perf_counter() - middle) / (middle - start))
    show("resnet20_conversion_over_inference", float(np.median(ratios)), "ratio", 1)


def golden_speed(bench: Bench) -> None:
    """Images per second and peak memory of the golden model at T = 32."""
    conversion = bench.convert(Figure("speed", "cltb", RATE, 32, golden=True))
    images = bench.testing.images[:200]
    run_golden(conversion.network, images[:8])
    start = time.perf_counter()
    run_golden(conversion.network, images)
    seconds = time.perf_counter() - start
    show("resnet20_golden_images_per_s", len(images) / seconds, "images/s", None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    show("resnet20_golden_process_peak_memory", peak, "GiB", None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--images", type=int, default=2000, help="test images")
    parser.add_argument("--calibration", type=int, default=2000, help="training images")
    parser.add_argument("--only", default="", help="only figures whose name contains this")
    parser.add_argument("--ablation", action="store_true", help="the table of recipes, too")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if skipped(arguments.shared, WEIGHTS, IMAGES):
        return
    torch.set_num_threads(arguments.threads)
    try:
        bench = Bench(arguments.shared, arguments.images, arguments.calibration)
    except RheobaseError as error:
        parser.error(str(error))
    balancing_figures(bench, arguments.only)
    figures = FIGURES + (ABLATION if arguments.ablation else ())
    loss_figures(bench, [figure for figure in figures if arguments.only in figure.name])
    if arguments.only in "resnet20_conversion_over_inference":
        conversion_time(bench)
    if arguments.only in "resnet20_golden_images_per_s":
        golden_speed(bench)


if __name__ == "__main__":
    main()
