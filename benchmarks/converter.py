"""What conversion costs beside inference on ResNet-20, CIFAR-10: one line of JSON per figure.

    python -m benchmarks.converter [--shared ../shared] [--images 1000] [--accuracy]

SHARED has models/resnet20-cifar10.pth and data/cifar10/{train,test}; without them nothing is
measured, and a line says so. Tracing, rewriting and CLTB are timed together against one inference
pass of the model as it is over the same images in the same batches; both several times in turn, and
the least of each counts. Bound: 1.5.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from rheobase.converter.data.batches import BATCH
from rheobase.converter.data.data import ImageSet, load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.data.pixels import normalised
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.tracing.trace import trace

from .figures import IMAGES, WEIGHTS, show, skipped

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHAPE = (3, 32, 32)
ITERATIONS = 200
#: Largest conversion time as a part of one inference pass.
BOUND = 1.5
#: Timed runs of each.
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--accuracy", action="store_true", help="also the float SNN's accuracy")
    arguments = parser.parse_args()
    if skipped(arguments.shared, WEIGHTS, IMAGES):
        return
    folder = arguments.shared / IMAGES
    training = load_images(str(folder / "train"), train=True, shape=SHAPE)
    training = training.sample(arguments.images)
    model = load_model(
        str(Path(__file__).parent.parent / "examples" / "resnet20.py") + ":resnet20",
        arguments.shared / WEIGHTS,
    )
    batches = list(normalised(training.images, MEAN, STD).split(BATCH))
    inference, conversion = timed(
        lambda: infer(model, batches),
        lambda: balance(prepared(trace(model, SHAPE)), batches, iterations=ITERATIONS),
    )
    show("conversion_over_inference_resnet20", conversion / inference, "ratio", BOUND)
    if arguments.accuracy:
        testing = load_images(str(folder / "test"), shape=SHAPE).sample(arguments.images)
        accuracies(model, batches, testing)


def timed(*actions: Callable[[], object]) -> list[float]:
    """Least time of each, in seconds; they take turns, so that all meet the same load."""
    least = [float("inf")] * len(actions)
    for _ in range(RUNS):
        for index, action in enumerate(actions):
            start = time.perf_counter()
            action()
            least[index] = min(least[index], time.perf_counter() - start)
    return least


@torch.inference_mode()
def infer(model: nn.Module, batches: list[Tensor]) -> None:
    for batch in batches:
        model(batch)


@torch.inference_mode()
def accuracies(model: nn.Module, batches: list[Tensor], testing: ImageSet) -> None:
    """Right answers of the model and of the float SNN by each method, T up to 64."""
    inputs = normalised(testing.images, MEAN, STD)
    labels = torch.from_numpy(testing.labels)

    def right(scores: list[Tensor]) -> float:
        return 100 * float((torch.cat(scores).argmax(1) == labels).float().mean())

    show("resnet20_ann_accuracy", right([model(part) for part in inputs.split(BATCH)]), "%", None)
    graph = prepared(trace(model, SHAPE))
    for method in Method:
        found = balance(graph, batches, method=method, iterations=ITERATIONS, percentile=99.9)
        snn = FloatSnn(graph, found.thresholds, steps=64)
        runs = [snn.run(part, keep=(8, 16, 32)) for part in inputs.split(BATCH)]
        for steps in (8, 16, 32, 64):
            scores = [run.outputs(steps)["out"] for run in runs]
            show(f"resnet20_{method}_t{steps}_accuracy", right(scores), "%", None)


if __name__ == "__main__":
    main()
