"""Image files as arrays, resized and cropped as a model's weights ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..golden.errors import RheobaseError

#: Suffixes of image files, in lower case.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Sizing:
    """What happens to an image before its pixels are taken, as torchvision's weights do it.

    Attributes:
        resize: pixels of the shorter side, bilinear with antialiasing; None to leave it.
        crop: rows and columns that are cut out of the middle; None for all.
    """

    resize: int | None = None
    crop: int | None = None

    def __post_init__(self) -> None:
        for field in ("resize", "crop"):
            value = getattr(self, field)
            if value is not None and value < 1:
                raise RheobaseError(f"{field}: {value}, accepted is a positive number of pixels")

    def apply(self, image: Image.Image, name: str = "image") -> Image.Image:
        """``image``, resized and cropped.

        Raises:
            RheobaseError: it is smaller than the crop.
        """
        if self.resize is not None:
            image = image.resize(
                shorter_side(image.width, image.height, self.resize), Image.Resampling.BILINEAR
            )
        if self.crop is None:
            return image
        if min(image.size) < self.crop:
            raise RheobaseError(
                f"{name}: {image.height} x {image.width}, accepted for a crop of {self.crop} is "
                "that many rows and columns"
            )
        left, top = (round((extent - self.crop) / 2) for extent in image.size)
        return image.crop((left, top, left + self.crop, top + self.crop))


#: Images as they are.
AS_IT_IS = Sizing()


def shorter_side(width: int, height: int, pixels: int) -> tuple[int, int]:
    """(width, height) with the shorter one at ``pixels``, in about the same proportion."""
    short, long = min(width, height), max(width, height)
    scaled = int(pixels * long / short)
    return (pixels, scaled) if width <= height else (scaled, pixels)


def open_image(path: Path, mode: str | None = "RGB") -> Image.Image:
    """The decoded image; ``mode`` None for grey where it is grey, else RGB.

    Raises:
        RheobaseError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            grey = image.mode in ("1", "L", "I", "I;16", "LA")
            return image.convert(mode or ("L" if grey else "RGB"))
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        raise RheobaseError(f"{path}: cannot be read as an image") from None


def read_pixels(path: Path, mode: str | None, sizing: Sizing = AS_IT_IS) -> np.ndarray:
    """uint8, (channels, rows, columns).

    Raises:
        RheobaseError: it cannot be read, or is smaller than a crop.
    """
    pixels = np.asarray(sizing.apply(open_image(path, mode), str(path)), dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
