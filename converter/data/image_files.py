"""Image files as arrays, resized and cropped as a model's weights ask for it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ...golden.errors import RheobaseError
from .array_files import ARRAY_SUFFIX, read_array

#: Suffixes of image files, in lower case.
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".bmp",
    ".ppm",
    ".pgm",
    ".webp",
    ".tif",
    ".tiff",
    ".gif",
    ARRAY_SUFFIX,
)
#: Pillow's name for pixels of so many channels.
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
#: Pillow's modes with alpha.
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
#: Formats whose 16-bit pixels Pillow gives in mode I, in the range 0..65535.
_SIXTEEN_IN_I = ("PNG", "PPM")
#: Characters of a decoder's message that an error repeats.
_REASON = 80


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
                raise RheobaseError(f"{field}: {value}, must be a positive number of pixels")

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
                f"{name}: {image.height} x {image.width}, a crop of {self.crop} takes "
                "at least that many rows and columns"
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


def open_image(path: Path, channels: int | None = 3, *, alpha: bool = False) -> Image.Image:
    """The first and only picture of a file, upright, as 8-bit pixels (docs/decisions/0131).

    Args:
        channels: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha; None for 1 where the
            picture is grey and 3 where it is not.
        alpha: keep alpha where channels are None and a picture has it.

    Raises:
        RheobaseError: it cannot be read, or its pixels cannot be given in that way: why.
    """
    try:
        with warnings.catch_warnings():
            # A header that claims a giant picture is refused before memory is taken for it.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Odd tags beside the pixels are no matter of ours.
            warnings.simplefilter("ignore", UserWarning)
            with Image.open(path) as opened:
                pictures = getattr(opened, "n_frames", 1)
                if pictures > 1 and opened.format != "MPO":
                    raise RheobaseError(f"{path}: {pictures} pictures in one file, must be one")
                opened.load()
                format_, image = opened.format, ImageOps.exif_transpose(opened)
                image = _in_eight_bits(image, format_, path)
                return _with_channels(image, channels, path, alpha)
    except RheobaseError:
        raise
    except MemoryError:
        raise RheobaseError(f"{path}: cannot be read as an image (too large)") from None
    except UnidentifiedImageError:
        raise RheobaseError(f"{path}: cannot be read as an image (no known format)") from None
    except (Exception, Image.DecompressionBombWarning) as error:
        # Decoders raise whatever a damaged file makes of them: SyntaxError, struct.error, ...
        raise RheobaseError(f"{path}: cannot be read as an image ({_reason(error)})") from None


def _reason(error: Exception | Warning) -> str:
    lines = str(error).splitlines()
    return lines[0][:_REASON] if lines else type(error).__name__


def _in_eight_bits(image: Image.Image, format_: str | None, path: Path) -> Image.Image:
    """Pixels of 16 bits by their high byte, as Pillow reads colour of 16 bits; others as given.

    Raises:
        RheobaseError: floating-point or 32-bit pixels, whose range nothing tells.
    """
    if (image.mode == "I" and format_ in _SIXTEEN_IN_I) or image.mode.startswith("I;16"):
        if "transparency" in image.info:
            raise RheobaseError(
                f"{path}: 16-bit pixels with a transparent value, must be opaque pictures"
            )
        values = np.asarray(image).astype(np.int64)
        if 0 < values.max() < 256:
            raise RheobaseError(
                f"{path}: 16-bit pixels of at most {values.max()}, must be the range "
                "0..65535, of which the high byte is taken"
            )
        return Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode in ("F", "I"):
        kind = "floating-point" if image.mode == "F" else "32-bit"
        raise RheobaseError(f"{path}: {kind} pixels, must be integers of 8 or 16 bits")
    return image


def _with_channels(
    image: Image.Image, channels: int | None, path: Path, alpha: bool
) -> Image.Image:
    """The picture in as many channels; alpha is never dropped where it says something.

    Raises:
        RheobaseError: transparent parts that the channels have no room for, no alpha where they
            have, or colours that have no RGB.
    """
    transparent = image.mode in _ALPHA or "transparency" in image.info
    if channels in (2, 4) and not transparent:
        raise RheobaseError(
            f"{path}: no alpha ({image.mode}), accepted for {channels} channels is a picture with "
            "alpha, or a .npy array"
        )
    if channels is None:
        channels = 1 if image.mode in ("1", "L", "LA", "La") else 3
        channels += alpha and transparent
    if transparent:
        image = image.convert("LA" if image.mode in ("L", "LA") else "RGBA")
        opaque = image.getchannel("A").getextrema()[0] == 255
        if channels not in (2, 4) and not opaque:
            raise RheobaseError(
                f"{path}: transparent in parts ({image.mode}), must be an opaque picture (lay "
                "it on a background), or a model of one channel more"
            )
    return image.convert(MODES[channels])


def read_pixels(path: Path, channels: int | None, sizing: Sizing = AS_IT_IS) -> np.ndarray:
    """uint8, (channels, rows, columns), of a picture; of a ``.npy`` file the array as it is.

    Raises:
        RheobaseError: it cannot be read, or is smaller than a crop.
    """
    if path.suffix.lower() == ARRAY_SUFFIX:
        if sizing != AS_IT_IS:
            raise RheobaseError(f"{path}: an array, must be without --resize and --crop")
        return np.array(read_array(path))
    pixels = np.asarray(sizing.apply(open_image(path, channels), str(path)), dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
