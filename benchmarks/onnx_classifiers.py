"""torchvision's classifiers as ONNX files: is the integer network the module's, byte for byte?

    python -m benchmarks.onnx_classifiers [NAME ...]

One line of JSON for each model, the smallest first. Weights are random (seed 0), statistics of
normalisation fit them, four random images calibrate (radix, T = 4, ltb). `network` is the SHA-256
of the integer network; where the module cannot be converted, `refused` says why.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.options import Options
from rheobase.golden import Coding, RheobaseError, network_hash

#: Sides of images: where a pooling's cells do not divide the map, ONNX has no node.
SIDES = {
    "alexnet": 224,
    "vgg": 224,
    "vit": 224,
    "maxvit": 224,
    "squeezenet": 40,
    "googlenet": 48,
    "inception": 107,
}
SIDE = 32


def random_model(name: str) -> nn.Module:
    """A classifier of ten classes with random weights, in evaluation mode."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"weights": None, "num_classes": 10}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    model = import_torchvision("torchvision.models").get_model(name, **options)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, _side(name), _side(name)))
    return model.eval()


def _side(name: str) -> int:
    return next((side for begins, side in SIDES.items() if name.startswith(begins)), SIDE)


def hash_of(model: nn.Module, side: int) -> str:
    """SHA-256 of the integer network of ``model``."""
    images = np.random.default_rng(2).integers(0, 256, (4, 3, side, side)).astype(np.uint8)
    options = Options(coding=Coding.RADIX, steps=4, method="ltb")
    return network_hash(convert(model, images, mean=0.5, std=0.25, options=options))


def compared(name: str) -> dict[str, Any]:
    """What became of the module and of its ONNX file."""
    start, side = time.perf_counter(), _side(name)
    line: dict[str, Any] = {"name": name, "side": side}
    try:
        model = random_model(name)
        line["network"] = hash_of(model, side)
    except (RheobaseError, RuntimeError, ValueError) as error:
        return line | {"refused": str(error).splitlines()[0][:200]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        # Normalisation stays what it is.
        mode = torch.onnx.TrainingMode.PRESERVE
        example = (torch.randn(1, 3, side, side),)
        torch.onnx.export(model, example, path, dynamo=False, training=mode)
        try:
            line["onnx"] = hash_of(load_model(str(path)), side) == line["network"]
        except RheobaseError as error:
            line["onnx"] = str(error).splitlines()[0][:200]
    return line | {"seconds": round(time.perf_counter() - start, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    models = import_torchvision("torchvision.models")
    if not names:
        names = models.list_models(module=models)
        size = {name: models.get_model_weights(name).DEFAULT.meta["num_params"] for name in names}
        names.sort(key=size.__getitem__)
    for name in names:
        print(json.dumps(compared(name)), flush=True)


if __name__ == "__main__":
    main()
