"""Images to convert and test with: torchvision data sets, class folders, scikit-learn's digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..golden.errors import RheobaseError
from .image_files import AS_IT_IS, SUFFIXES, Sizing, read_pixels
from .torchvision_shim import import_torchvision

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
        labels: int64, (images,); -1 where a folder has no class folders.
        classes: class names by label; empty where labels have none.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    @property
    def labelled(self) -> bool:
        """Whether it is known what the images show."""
        return bool((self.labels >= 0).any())

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their labels; empty where nothing names them."""
        return self.classes

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
    sample: tuple[int, int] | None = None,
    sizing: Sizing = AS_IT_IS,
    channels: int | None = None,
    labelled: bool = True,
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
        sample: (count, seed): what ``ImageSet.sample`` gives; of a folder only these are read.
        sizing: images of a folder are resized and cropped.
        channels: 1 or 3: grey or colour, where there is no ``shape``.
        labelled: False also takes a folder of images without class folders.

    Raises:
        RheobaseError: the source is unknown, absent or unreadable, or an image has another size.
    """
    if source == "digits":
        found = _digits(train)
    elif Path(source).is_dir():
        channels = channels if shape is None else shape[0]
        return _folder(Path(source), shape, channels, limit, sample, sizing, labelled)
    else:
        found = _torchvision(source, data_root, train, download)
    if shape is not None and found.images.shape[1:] != tuple(shape):
        raise RheobaseError(
            f"images of {source}: {_size(found.images.shape[1:])}, accepted is {_size(shape)} "
            "(channels x rows x columns)"
        )
    return found if sample is None else found.sample(*sample)


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


def _folder(
    root: Path,
    shape: tuple[int, int, int] | None,
    channels: int | None,
    limit: int | None,
    sample: tuple[int, int] | None,
    sizing: Sizing,
    labelled: bool,
) -> ImageSet:
    """Images of ``root/CLASS/*``; classes in alphabetical order are 0, 1, 2, ..."""
    files, classes = folder_files(root, SUFFIXES, limit)
    if not files and not labelled:
        files = [(path, -1) for path in sorted(root.iterdir()) if _is_file(path, SUFFIXES)][:limit]
        classes = ()
    if not files:
        accepted = "one folder per class with " if labelled else "images, or one folder per class,"
        raise RheobaseError(
            f"images: {root} holds no images, accepted is {accepted} {', '.join(SUFFIXES)} files"
        )
    if sample is not None:
        count, seed = sample
        order = np.random.default_rng(seed).permutation(len(files))[:count]
        files = [files[index] for index in order]
    mode = None if channels is None else {1: "L", 3: "RGB"}.get(channels)
    if channels is not None and mode is None:
        raise RheobaseError(f"images: {channels} channels, accepted from a folder is 1 or 3")
    pixels: np.ndarray | None = None
    for index, (path, _) in enumerate(files):
        image = read_pixels(path, mode, sizing)
        expected = tuple(image.shape if shape is None else shape)
        if pixels is None:
            pixels = np.empty((len(files), *expected), dtype=np.uint8)
            # Colour sets have grey images among them.
            mode = "RGB" if expected[0] == 3 else mode
        if image.shape != pixels.shape[1:]:
            raise RheobaseError(
                f"{path}: {_size(image.shape)}, accepted is {_size(pixels.shape[1:])} "
                "(channels x rows x columns)"
            )
        pixels[index] = image
    labels = np.array([label for _, label in files], dtype=np.int64)
    return ImageSet(pixels, labels, classes)


def folder_files(
    root: Path, suffixes: tuple[str, ...], limit: int | None = None
) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """(file, label) of ``root/CLASS/*`` and the classes, both in alphabetical order.

    ``limit`` takes the first so many, the same share of every class.
    """
    classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    share = None if limit is None else -(-limit // max(1, len(classes)))
    files: list[tuple[Path, int]] = []
    for label, name in enumerate(classes):
        found = sorted(path for path in (root / name).iterdir() if _is_file(path, suffixes))
        files += [(path, label) for path in found[:share]]
    return files[:limit], tuple(classes)


def _is_file(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.suffix.lower() in suffixes


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
    image = read_pixels(path, mode)
    if image.shape != tuple(shape):
        raise RheobaseError(
            f"{path}: {_size(image.shape)}, accepted is {_size(shape)} (channels x rows x columns)"
        )
    return image
