"""Where images are from, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..converter.data.data import ImageSet
    from ..converter.data.image_files import Sizing

_IMAGES = typer.Option(
    "--images",
    help="A torchvision data set (MNIST, CIFAR10, ...), a folder of class folders, a .npy or "
    ".npz file, or 'digits' (scikit-learn's).",
)
Images = Annotated[str, _IMAGES]
#: Where a command has something to say without them.
OptionalImages = Annotated[str | None, _IMAGES]
TestImages = Annotated[
    str | None,
    typer.Option(
        "--test-images", help="Images to test on, where --images has no test part of its own."
    ),
]
Count = Annotated[
    int | None,
    typer.Option("--count", "-n", min=1, help="Test images at most (default: all of them)."),
]
#: Where a command draws test images at random: each has a default of its own.
Drawn = Annotated[
    int,
    typer.Option("--count", "-n", min=1, help="Test images, drawn at random; all if fewer."),
]
Calibration = Annotated[
    int,
    typer.Option(
        "--calibration", min=1, help="Training images to balance thresholds on, drawn at random."
    ),
]


@dataclass(frozen=True)
class ImageOptions:
    """How images are read, whatever they are for."""

    PANEL = "Images"

    data_root: Annotated[
        Path | None,
        typer.Option("--data-root", help="torchvision's folder, the one above MNIST/."),
    ] = None
    download: Annotated[
        bool, typer.Option("--download", help="Fetch torchvision's data set if it is absent.")
    ] = False
    resize: Annotated[
        int | None,
        typer.Option(
            "--resize",
            min=1,
            help="Pixels of a picture's shorter side, as the weights were trained.",
        ),
    ] = None
    crop: Annotated[
        int | None,
        typer.Option("--crop", min=1, help="Rows and columns cut out of a picture's middle."),
    ] = None

    @property
    def sizing(self) -> Sizing:
        """What happens to pictures of files."""
        from ..converter.data.image_files import Sizing

        return Sizing(self.resize, self.crop)

    def load(self, source: str, **wanted: Any) -> ImageSet:
        """``converter.data.data.load_images`` of ``source`` with these options.

        Raises:
            RheobaseError: as that function says.
        """
        from ..converter.data.data import load_images

        return load_images(
            source,
            data_root=self.data_root,
            download=self.download,
            sizing=self.sizing,
            **wanted,
        )
