"""Models, images and commands of the tests of segmentation, detection and video."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from rheobase.cli import app
from rheobase.golden.errors import RheobaseError

EXAMPLE = Path(__file__).parents[3] / "examples" / "torchvision_models.py"
MODELS = """
import torch
from torch import nn
from torch.nn import functional
from rheobase.converter.data.torchvision_shim import import_torchvision

class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1)
        self.second = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.head, self.side = nn.Conv2d(8, 21, 1), nn.Conv2d(8, 21, 1)

    def forward(self, x):
        first = functional.relu(self.first(x))
        maps = {"out": self.head(functional.relu(self.second(first))), "aux": self.side(first)}
        size = x.shape[-2:]
        return {key: functional.interpolate(value, size, mode="bilinear")
                for key, value in maps.items()}

def segmenter():
    torch.manual_seed(0)
    model = Segmenter()
    with torch.no_grad():
        model.head.weight[3:].zero_()
        model.head.bias[3:].fill_(-9)
        model.head.bias[:3].zero_()
        model.head.weight[:3] -= model.head.weight[:3].mean(0)
    return model

def backbone():
    found = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU())
    found.out_channels = 16
    return found

def detector():
    detection = import_torchvision("torchvision.models.detection")
    torch.manual_seed(0)
    sizes = detection.anchor_utils.AnchorGenerator(((16,),), ((1.0,),))
    model = detection.RetinaNet(
        backbone(), 6, anchor_generator=sizes, min_size=32, max_size=64, detections_per_img=10)
    model.transform.size_divisible = 8
    with torch.no_grad():
        for path, parameter in model.head.named_parameters():
            if path.endswith("weight") and parameter.ndim == 4:
                nn.init.kaiming_normal_(parameter)
            if "cls_logits.bias" in path:
                parameter.zero_()
    return model

def video():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 4, 3, (1, 2, 2), 1), nn.ReLU(), nn.Conv3d(4, 6, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(6, 2))
"""


def evaluate(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert isinstance(result.exception, RheobaseError), result.exception
    return str(result.exception)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def smooth(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Random colours with some structure, uint8 (rows, columns, 3)."""
    small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((columns, rows), Image.Resampling.BILINEAR))


def write_voc(root: Path) -> None:
    folder = root / "VOCdevkit" / "VOC2012"
    rng = np.random.default_rng(0)
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    sizes = {"train": [(24, 30), (40, 24)], "val": [(24, 32), (36, 24), (24, 32)]}
    for part, shapes in sizes.items():
        names = [f"{part}{index}" for index in range(len(shapes))]
        (folder / "ImageSets" / "Segmentation" / f"{part}.txt").write_text("\n".join(names))
        for name, shape in zip(names, shapes, strict=True):
            image = Image.fromarray(smooth(rng, *shape))
            image.save(folder / "JPEGImages" / f"{name}.jpg", quality=95)
            mask = Image.fromarray(rng.choice([0, 1, 2, 255], shape).astype(np.uint8), mode="P")
            mask.putpalette(list(range(256)) * 3)
            mask.save(folder / "SegmentationClass" / f"{name}.png")
