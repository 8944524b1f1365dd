"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .boards.platforms.registry import BOARDS
from .golden.network import Coding

Network = Annotated[Path, typer.Argument(help="Network file that `rheobase convert` wrote.")]
Images = Annotated[
    str,
    typer.Option(
        help="Images: a torchvision data set (MNIST, CIFAR10, ...), a folder of class folders, a "
        ".npy or .npz file, or 'digits' (scikit-learn's)."
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="torchvision's folder, the one above MNIST/."),
]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set if it is absent.")]
Resize = Annotated[
    int | None,
    typer.Option(
        min=1, help="Images of a folder: shorter side in pixels, as the weights were trained."
    ),
]
Crop = Annotated[
    int | None,
    typer.Option(min=1, help="Images of a folder: rows and columns cut out of the middle."),
]
Neurons = Annotated[
    str | None,
    typer.Option("--neurons", "-P", help="P of each layer, with commas: 8,16,16,2."),
]
Lanes = Annotated[
    str | None,
    typer.Option("--lanes", "-E", help="Event lanes E of each layer, with commas: 3,3,3,1."),
]
Adders = Annotated[
    int | None,
    typer.Option(help="Adders in all that the computed P and E may use (without -P and -E)."),
]

Luts = Annotated[
    int | None, typer.Option(help="LUT4 (iCE40: logic cells) that the computed folding may use.")
]
MemoryBits = Annotated[
    int | None, typer.Option(help="Bits of block RAM that the computed folding may use.")
]
TargetFps = Annotated[
    float | None,
    typer.Option(help="Images a second at the clock: the smallest folding that reaches them."),
]
CountedImages = Annotated[
    str | None,
    typer.Option(
        "--images",
        help="Images whose first ones tell the folding how many events to expect (a torchvision "
        "data set, a folder of class folders, or digits); a guess without it.",
    ),
]
Clock = Annotated[
    float | None, typer.Option(help="Design clock, MHz (default: the board's usual one).")
]
Board = Annotated[
    str | None,
    typer.Option(help=f"Board to fill with the fastest folding: {', '.join(BOARDS)}."),
]

Baud = Annotated[int, typer.Option(min=1, help="Bits per second of the serial line.")]

ModelName = Annotated[
    str, typer.Argument(help="Model: package.module:factory or path.py:factory, no arguments.")
]
WeightsFile = Annotated[
    Path | None,
    typer.Option(help="Weights: .safetensors, or a .pth that holds weights and nothing else."),
]
TestImages = Annotated[
    str | None,
    typer.Option(help="Folder of class folders to test on, where --images is one to calibrate on."),
]
Numbers = Annotated[str, typer.Option("--steps", "-T", help="Time steps T, with commas.")]
Delays = Annotated[str, typer.Option("--delays", "--t0", help="t0, with commas.")]
Methods = Annotated[
    str, typer.Option("--methods", help="Recipes, with commas; NAME@K sets K of eq. 14-15.")
]
Mean = Annotated[str | None, typer.Option(help="Mean of the normalisation, with commas.")]
Std = Annotated[str | None, typer.Option(help="Standard deviation, like --mean.")]
CalibrationImages = Annotated[int, typer.Option(min=1, help="Training images to calibrate on.")]
Tested = Annotated[int, typer.Option(min=1, help="Labelled test images.")]
Processes = Annotated[int, typer.Option(min=1, help="Conversions at a time.")]
AnyCoding = Annotated[Coding, typer.Option("--coding", help="rate or radix.")]
Folder = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")]
Device = Annotated[str, typer.Option(help="torch device; 'cuda' uses all GPUs.")]
AnswersOutput = Annotated[
    str | None,
    typer.Option(
        "--answers", help="Output that is compared with the labels, where the model has several."
    ),
]
