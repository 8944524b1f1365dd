"""Figures of SqueezeNet 1.1 on ImageNet pictures, one line of JSON each.

    python -m benchmarks.squeezenet --shared ../shared [--only radix4] [--recipe best]

Each line is {"name", "value", "unit", "bound"}. Even pictures of the sorted list are calibrated on
(with --calibration N, so many of them from all over), odd ones tested on, in the golden model of
the integer network. Where SHARED lacks the weights or the pictures nothing is measured, and a line
says so.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from rheobase.converter.conversion import convert_graph
from rheobase.converter.data.batches import Batches
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.graph.graph import Graph
from rheobase.converter.lower.budget import kernel_sizes, parse_budget
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from rheobase.golden.run.run import run_golden

from .figures import show, skipped

WEIGHTS, PICTURES = Path("models/squeezenet1_1.safetensors"), Path("data/imagenet")
#: The model wants pixels less their mean in 0..255.
MEAN, STD = tuple(pixel / 255 for pixel in (123.68, 116.779, 103.939)), (1 / 255,) * 3
#: Name, options, and bits of a weight on average.
FIGURES = (
    ("radix4", Options(coding="radix", steps=4), None),
    ("radix4_w4", Options(coding="radix", steps=4), "4bit/weight"),
    ("rate32", Options(coding="rate", steps=32), None),
    ("published_rate32", Options(coding="rate", steps=32, take_back=False), None),
    ("radix3", Options(coding="radix", steps=3), None),
    ("radix_mean3", Options(coding="radix", steps=5, spike_budget=3.0), None),
    ("radix_mean4", Options(coding="radix", steps=6, spike_budget=4.0), None),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", default="", help="only figures whose name contains this")
    parser.add_argument("--recipe", help="in place of what is done by default")
    parser.add_argument("--calibration", type=int, default=250, help="pictures to calibrate on")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if skipped(arguments.shared, WEIGHTS, PICTURES):
        return
    torch.set_num_threads(arguments.threads)
    graph, pictures, labels = read(arguments.shared)
    labels = labels[1::2]
    spread = np.linspace(0, len(labels) - 1, arguments.calibration).astype(int)
    calibrating = pictures[::2][spread]
    wanted = _answers(graph, Batches(pictures[1::2], MEAN, STD))
    cnn = 100 * float(np.mean(wanted == labels))
    show("squeezenet_cnn_accuracy", cnn, "%", 100)
    for name, options, budget in FIGURES:
        if arguments.only not in name:
            continue
        if arguments.recipe:
            options = with_recipe(options, arguments.recipe)
        if budget is not None:
            weights = sum(kernel_sizes(graph).values())
            options = replace(options, weight_budget=parse_budget(budget, weights))
        batches = Batches(calibrating, MEAN, STD)
        start = time.process_time()
        _answers(graph, batches)
        middle = time.process_time()
        made = convert_graph(graph, batches, mean=MEAN, std=STD, options=options)
        passes = (time.process_time() - middle) / (middle - start)
        found = run_golden(made.network, pictures[1::2]).answers
        show(f"squeezenet_{name}_passes", passes, "passes", 1)
        lost = 100 * ((wanted == labels).astype(float) - (found == labels))
        show(f"squeezenet_{name}_golden_loss", lost.mean(), "points", 0)
        scatter = lost.std() / len(lost) ** 0.5
        show(f"squeezenet_{name}_golden_loss_scatter", scatter, "points", None)
        same = 100 * float(np.mean(found == wanted))
        show(f"squeezenet_{name}_golden_same_answers", same, "%", 100)


def read(shared: Path) -> tuple[Graph, np.ndarray, np.ndarray]:
    """The CNN, all pictures as uint8 (pictures, 3, 224, 224), and their classes."""
    model = import_torchvision("torchvision.models").squeezenet1_1(weights=None).eval()
    model.load_state_dict(load_file(shared / WEIGHTS))
    files = sorted((shared / PICTURES).glob("*.jpg"))
    pictures = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])
    pictures = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    labels = np.array([int(file.name.split("_")[0]) for file in files])
    return prepared(trace(model, (3, 224, 224))), pictures, labels


@torch.inference_mode()
def _answers(graph: Graph, batches: Batches) -> np.ndarray:
    return torch.cat([analog_forward(graph, batch).argmax(dim=1) for batch in batches]).numpy()


if __name__ == "__main__":
    main()
