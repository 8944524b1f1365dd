"""What quantisation and lowering cost on ResNet-20, CIFAR-10: one line of JSON per figure.

    python -m benchmarks.lowering --shared ../shared [--images 1000] [--coding rate] [--steps 32]

SHARED has models/resnet20-cifar10.pth and data/cifar10/{train,test}. Thresholds are balanced by
CLTB (K = 1,000) on 1,000 training images; the golden model then meets the float SNN at the same T
on the first test images of every class. Bounds: 0.5 points of accuracy at 8 bits, 2 at 4.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from rheobase.converter.data.data import load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.data.pixels import normalised
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.thresholds.balancing import balance
from rheobase.converter.tracing.trace import trace
from rheobase.golden import Coding, run_golden

from .figures import show

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHAPE = (3, 32, 32)
CALIBRATION, BATCH = 1000, 100
#: Points of accuracy that a width may cost (2 where it is not among these).
BOUNDS = {8: 0.5, 4: 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--coding", type=Coding, default=Coding.RATE)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 4])
    arguments = parser.parse_args()
    folder = arguments.shared / "data" / "cifar10"
    calibration = load_images(str(folder / "train"), shape=SHAPE, limit=CALIBRATION)
    test = load_images(str(folder / "test"), shape=SHAPE, limit=arguments.images)
    model = load_model(
        str(Path(__file__).parent.parent / "examples" / "resnet20.py") + ":resnet20",
        arguments.shared / "models" / "resnet20-cifar10.pth",
    )
    graph = prepared(trace(model, SHAPE))
    order = np.random.default_rng(0).permutation(len(calibration.images))
    batches = [
        normalised(calibration.images[picked], MEAN, STD)
        for picked in np.array_split(order, len(order) // BATCH)
    ]
    thresholds = balance(graph, batches, iterations=arguments.iterations).thresholds
    coding, steps = arguments.coding, arguments.steps
    snn = FloatSnn(graph, thresholds, coding=coding, steps=steps)
    with torch.inference_mode():
        parts = normalised(test.images, MEAN, STD).split(BATCH)
        plain = torch.cat([model(part) for part in parts]).numpy()
        spiking = torch.cat([snn(part) for part in parts]).numpy()
    prefix = f"resnet20_{coding.value}{steps}"
    show(f"{prefix}_ann_accuracy", accuracy(plain, test.labels), "%", None)
    reached = accuracy(spiking, test.labels)
    show(f"{prefix}_float_snn_accuracy", reached, "%", None)
    for bits in arguments.bits:
        bound = BOUNDS.get(bits, 2.0)
        start = time.perf_counter()
        lowered = lower_graph(
            graph, thresholds, mean=MEAN, std=STD, coding=coding, steps=steps, weight_bits=bits
        )
        seconds = time.perf_counter() - start
        scores = lowered.real_outputs(run_golden(lowered.network, test.images).outputs)["out"]
        found = accuracy(scores, test.labels)
        error = np.linalg.norm(scores - spiking) / np.linalg.norm(spiking)
        name = f"{prefix}_w{bits}"
        show(f"{name}_accuracy", found, "%", reached - bound)
        show(f"{name}_loss_points", reached - found, "points", bound)
        show(f"{name}_relative_error", error, "of the float SNN's scores", None)
        show(f"{name}_lowering_seconds", seconds, "s", None)


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return 100.0 * float((scores.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    main()
