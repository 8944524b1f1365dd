"""Images to convert and test with: torchvision data sets, class folders, scikit-learn's digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..golden.errors import RheobaseError
from .torchvision_shim import import_torchvision

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp", ".tif", ".tiff")
#: Mean and standard deviation of well-known sets, for pixels in 0..1.
NORMALISATION = {
    "MNIST": ((0.1307,), (0.3081,)),
    "FashionMNIST": ((0.2860,), (0.3530,)),
    "CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "CIFAR100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "digits": ((0.5,), (0.25,)),
}


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and what they show.

    Attributes:
        images: uint8, (images, channels, rows, columns).
        labels: int64, (images,).
        classes: class names by label.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def first(self, count: int | None) -> ImageSet:
        """The first ``count`` images (all where None)."""
        return ImageSet(self.images[:count], self.labels[:count], self.classes)

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """``count`` images drawn without replacement (all where there are no more)."""
        order = np.random.default_rng(seed).permutation(len(self.images))[:count]
        return ImageSet(self.images[order], self.labels[order], self.classes)


def load_images(
    source: str,
    *,
    data_root: Path | None = None,
    train: bool = False,
    download: bool = False,
    shape: tuple[int, int, int] | None = None,
    limit: int | None = None,
) -> ImageSet:
    """Images of ``source``.

    Args:
        source: ``digits`` (scikit-learn's, 8 x 8), the name of a torchvision data set, or a folder
            of class folders.
        data_root: torchvision's root folder.
        train: the training part of a torchvision set or of ``digits``.
        download: let torchvision fetch a set that is absent.
        shape: (channels, rows, columns) that images must have; channels decide between grey and
            colour for a folder. Without it a folder's first image decides.
        limit: from a folder, read only so many images, the same share of every class.

    Raises:
        RheobaseError: the source is unknown, absent or unreadable, or an image has another size.
    """
    if source == "digits":
        found = _digits(train)
    elif Path(source).is_dir():
        found = _folder(Path(source), shape, limit)
    else:
        found = _torchvision(source, data_root, train, download)
    if shape is not None and found.images.shape[1:] != tuple(shape):
        raise RheobaseError(
            f"images of {source}: {_size(found.images.shape[1:])}, accepted is {_size(shape)} "
            "(channels x rows x columns)"
        )
    return found


def _digits(train: bool) -> ImageSet:
    """scikit-learn's digits: 1,797 real scans; every fourth one is a test image."""
    from sklearn.datasets import load_digits

    data = load_digits()
    test = np.arange(len(data.target)) % 4 == 3
    part = ~test if train else test
    pixels = np.rint(data.images[part] * (255 / 16)).astype(np.uint8)
    return ImageSet(pixels[:, None], data.target[part].astype(np.int64), tuple("0123456789"))


def _torchvision(name: str, root: Path | None, train: bool, download: bool) -> ImageSet:
    datasets = import_torchvision()
    factory = getattr(datasets, name, None)
    if not isinstance(factory, type) or not issubclass(factory, datasets.VisionDataset):
        raise RheobaseError(
            f"images: {name!r} is no folder and no data set, accepted is 'digits', a torchvision "
            "data set such as MNIST or CIFAR10, or a folder of class folders"
        )
    if root is None:
        raise RheobaseError(f"images: {name} needs --data-root, torchvision's folder")
    try:
        data = factory(root=str(root), train=train, download=download)
    except (RuntimeError, OSError, TypeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise RheobaseError(f"images: {name} under {root} cannot be read ({reason})") from error
    pixels, labels = getattr(data, "data", None), getattr(data, "targets", None)
    if pixels is None or labels is None:
        raise RheobaseError(f"images: {name} holds no images of one size, accepted is e.g. MNIST")
    pixels = np.asarray(pixels)
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
    classes = getattr(data, "classes", None) or sorted({str(label) for label in labels})
    return ImageSet(
        np.ascontiguousarray(pixels, dtype=np.uint8),
        np.asarray(labels, dtype=np.int64),
        tuple(map(str, classes)),
    )


def _folder(root: Path, shape: tuple[int, int, int] | None, limit: int | None) -> ImageSet:
    """Images of ``root/CLASS/*``; classes in alphabetical order are 0, 1, 2, ..."""
    classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    files: list[tuple[Path, int]] = []
    share = None if limit is None else -(-limit // max(1, len(classes)))
    for label, name in enumerate(classes):
        found = sorted(path for path in (root / name).iterdir() if path.suffix.lower() in _SUFFIXES)
        files += [(path, label) for path in found[:share]]
    if not files:
        raise RheobaseError(
            f"images: {root} holds no images, accepted is one folder per class with "
            f"{', '.join(_SUFFIXES)} files"
        )
    mode = None if shape is None else {1: "L", 3: "RGB"}.get(shape[0])
    if shape is not None and mode is None:
        raise RheobaseError(f"images: {shape[0]} channels, accepted from a folder is 1 or 3")
    pixels: list[np.ndarray] = []
    for path, _ in files[:limit]:
        image = _read(path, mode)
        expected = shape if shape is not None else pixels[0].shape if pixels else image.shape
        if image.shape != tuple(expected):
            raise RheobaseError(
                f"{path}: {_size(image.shape)}, accepted is {_size(expected)} "
                "(channels x rows x columns)"
            )
        pixels.append(image)
    labels = np.array([label for _, label in files[:limit]], dtype=np.int64)
    return ImageSet(np.stack(pixels), labels, tuple(classes))


def _read(path: Path, mode: str | None) -> np.ndarray:
    try:
        with Image.open(path) as image:
            grey = image.mode in ("1", "L", "I", "I;16", "LA")
            pixels = np.asarray(image.convert(mode or ("L" if grey else "RGB")), dtype=np.uint8)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        raise RheobaseError(f"{path}: cannot be read as an image") from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def read_image(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """One image file as uint8, (channels, rows, columns) of ``shape``.

    Raises:
        RheobaseError: it cannot be read, or has another size.
    """
    mode = {1: "L", 3: "RGB"}.get(shape[0])
    if mode is None:
        raise RheobaseError(f"images: {shape[0]} channels, accepted from a file is 1 or 3")
    image = _read(path, mode)
    if image.shape != tuple(shape):
        raise RheobaseError(
            f"{path}: {_size(image.shape)}, accepted is {_size(shape)} (channels x rows x columns)"
        )
    return image
