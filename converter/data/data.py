"""Images to convert and test with: torchvision data sets, class folders, scikit-learn's digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...golden.errors import RheobaseError
from .array_files import ARCHIVE_SUFFIX, ARRAY_SUFFIX, checked_pixels, read_arrays
from .class_folders import folder_files, nested_folder, plain_files
from .image_files import AS_IT_IS, MODES, SUFFIXES, Sizing, open_image, read_pixels

#: Mean and standard deviation of well-known sets, for pixels in 0..1.
NORMALISATION = {
    "MNIST": ((0.1307,), (0.3081,)),
    "FashionMNIST": ((0.2860,), (0.3530,)),
    "CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "CIFAR100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "digits": ((0.5,), (0.25,)),
}
#: Whether a model takes images of (channels, rows, columns).
Takes = Callable[[tuple[int, ...]], bool]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and what they show.

    Attributes:
        images: uint8, (images, channels, rows, columns).
        labels: int64, (images,); -1 where a folder has no class folders.
        classes: class names by label; empty where labels have none.
        hollow: names of empty class folders, which have no label (``with_hollow_classes``).
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    hollow: tuple[str, ...] = ()

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
        return replace(self, images=self.images[:count], labels=self.labels[:count])

    def after(self, count: int) -> ImageSet:
        """Without the first ``count`` images."""
        return replace(self, images=self.images[count:], labels=self.labels[count:])

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """``count`` images drawn without replacement (all where there are no more)."""
        order = np.random.default_rng(seed).permutation(len(self.images))[:count]
        return replace(self, images=self.images[order], labels=self.labels[order])


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
    takes: Takes | None = None,
) -> ImageSet:
    """Images of ``source``.

    Args:
        source: ``digits`` (scikit-learn's, 8 x 8), the name of a torchvision data set, a folder
            of class folders, or a ``.npy`` or ``.npz`` file (``array_files.read_arrays``).
        data_root: torchvision's root folder.
        train: the training part of a torchvision set, of ``digits`` or of an archive that has one.
        download: let torchvision fetch a set that is absent.
        shape: (channels, rows, columns) that images must have; channels decide what pictures of
            a folder are given as: grey, colour, either with alpha. Without it the first picture
            decides, and the model where ``takes`` asks it.
        limit: from a folder, read only so many images, the same share of every class.
        sample: (count, seed): what ``ImageSet.sample`` gives; of a folder only these are read.
        sizing: images of a folder are resized and cropped.
        channels: 1 to 4: grey, grey and alpha, colour, colour and alpha, where there is no
            ``shape``.
        labelled: False also takes images without labels.
        takes: asks the model where ``shape`` and ``channels`` do not say what images are.

    Raises:
        RheobaseError: the source is unknown, absent or unreadable, or an image has another size.
    """
    if source == "digits":
        found = _digits(train)
    elif Path(source).is_dir():
        channels = channels if shape is None else shape[0]
        return _folder(Path(source), shape, channels, takes, limit, sample, sizing, labelled)
    elif Path(source).suffix.lower() in (ARRAY_SUFFIX, ARCHIVE_SUFFIX) and Path(source).is_file():
        found = _arrays(Path(source), shape, takes, limit, train)
        if labelled and not found.labelled:
            raise RheobaseError(f"images: {source} has no labels, must be an archive with y")
    else:
        found = _torchvision(source, data_root, train, download)
    if shape is not None and found.images.shape[1:] != tuple(shape):
        raise RheobaseError(
            f"images of {source}: {_size(found.images.shape[1:])}, must be {_size(shape)} "
            "(channels x rows x columns)"
        )
    return found if sample is None else found.sample(*sample)


def _digits(train: bool) -> ImageSet:
    """scikit-learn's digits: 1,797 real scans; every fourth one is a test image."""
    from sklearn.datasets import load_digits

    data: Any = load_digits()  # a tuple only where that is asked for
    test = np.arange(len(data.target)) % 4 == 3
    part = ~test if train else test
    pixels = np.rint(data.images[part] * (255 / 16)).astype(np.uint8)
    return ImageSet(pixels[:, None], data.target[part].astype(np.int64), tuple("0123456789"))


def _torchvision(name: str, root: Path | None, train: bool, download: bool) -> ImageSet:
    from .torchvision_shim import import_torchvision  # torch: only where it is needed

    datasets = import_torchvision()
    factory = getattr(datasets, name, None)
    if not isinstance(factory, type) or not issubclass(factory, datasets.VisionDataset):
        raise RheobaseError(
            f"images: {name!r} is no folder and no data set, must be 'digits', a torchvision "
            "data set such as MNIST or CIFAR10, a folder of class folders, or a .npy or .npz file"
        )
    if root is None:
        raise RheobaseError(f"images: {name} needs --data-root, torchvision's folder")
    try:
        data = factory(root=str(root), train=train, download=download)
    except (RuntimeError, OSError, TypeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        if "download=True" in reason:
            raise RheobaseError(
                f"images: {name} is not under {root}, must be torchvision's folder "
                "(`rheobase convert --download` fetches the set)"
            ) from None
        raise RheobaseError(f"images: {name} under {root} cannot be read ({reason})") from error
    pixels, labels = getattr(data, "data", None), getattr(data, "targets", None)
    if pixels is None or labels is None:
        raise RheobaseError(f"images: {name} holds no images of one size, must be e.g. MNIST")
    pixels = np.asarray(pixels)
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
    classes = getattr(data, "classes", None) or sorted({str(label) for label in labels})
    return ImageSet(
        np.ascontiguousarray(checked_pixels(pixels, f"images of {name}")),
        np.asarray(labels, dtype=np.int64),
        tuple(map(str, classes)),
    )


def _arrays(
    path: Path, shape: tuple[int, ...] | None, takes: Takes | None, limit: int | None, train: bool
) -> ImageSet:
    """Images of a ``.npy`` or ``.npz`` file, (images, ...) as ``_as_maps`` reads the rest."""
    images, labels, classes = read_arrays(path, train)
    images, labels = images[:limit], labels[:limit]
    if not images.size or images.ndim not in (3, 4):
        raise RheobaseError(
            f"images: {path}: {images.shape}, must be (images, channels, rows, columns) or "
            "(images, rows, columns)"
        )
    return ImageSet(_as_maps(images, shape, takes), labels, classes)


def _as_maps(images: np.ndarray, shape: tuple[int, ...] | None, takes: Takes | None) -> np.ndarray:
    """(images, channels, rows, columns) of that or of (images, a, b).

    The latter are grey images of a x b pixels; signals of a channels and b values, images of one
    row, where those are what the model takes.
    """
    if images.ndim != 3:
        return images
    grey, signals = images[:, None], images[:, :, None]
    if takes is None:
        return signals if signals.shape[1:] == shape != grey.shape[1:] else grey
    return signals if takes(signals.shape[1:]) and not takes(grey.shape[1:]) else grey


def _folder(
    root: Path,
    shape: tuple[int, int, int] | None,
    channels: int | None,
    takes: Takes | None,
    limit: int | None,
    sample: tuple[int, int] | None,
    sizing: Sizing,
    labelled: bool,
) -> ImageSet:
    """Images of ``root/CLASS/*``; classes in alphabetical order are 0, 1, 2, ..."""
    folders = folder_files(root, SUFFIXES, limit)
    files = folders.files
    if not files and not labelled:
        files = [(path, -1) for path in plain_files(root, SUFFIXES)][:limit]
    if not files:
        accepted = "one folder per class with " if labelled else "images, or one folder per class,"
        nested = nested_folder(root, SUFFIXES)
        hint = "" if nested is None else f"; {nested} has class folders"
        raise RheobaseError(
            f"images: {root} holds no images, must be {accepted} {', '.join(SUFFIXES)} files{hint}"
        )
    if sample is not None:
        count, seed = sample
        order = np.random.default_rng(seed).permutation(len(files))[:count]
        files = [files[index] for index in order]
    if channels is not None and channels not in MODES:
        arrays = all(path.suffix.lower() == ARRAY_SUFFIX for path, _ in files)
        if not arrays:
            raise RheobaseError(
                f"images: {channels} channels, pictures have 1 to 4 (others as "
                f"{ARRAY_SUFFIX} arrays)"
            )
    pixels = np.empty(0, np.uint8)
    for index, (path, _) in enumerate(files):
        if index == 0 and channels is None:
            channels = _channels(path, sizing, takes)
        image = read_pixels(path, channels, sizing)
        if image.ndim == 2:
            image = _as_maps(image[None], shape, takes)[0]
        if image.ndim != 3 or not image.size:
            raise RheobaseError(f"{path}: {_size(image.shape)}, must be channels x rows x columns")
        if index == 0:
            expected = tuple(image.shape if shape is None else shape)
            pixels = _room(len(files), expected, root)
        if image.shape != pixels.shape[1:]:
            raise RheobaseError(
                f"{path}: {_size(image.shape)}, must be {_size(pixels.shape[1:])} "
                "(channels x rows x columns)"
            )
        pixels[index] = image
    labels = np.array([label for _, label in files], dtype=np.int64)
    return ImageSet(pixels, labels, folders.classes, folders.hollow)


def _channels(path: Path, sizing: Sizing, takes: Takes | None) -> int | None:
    """Channels that the pictures of a set are given in, as the first one and the model want it.

    None where the first one is grey and nothing says that all have to be.
    """
    if path.suffix.lower() == ARRAY_SUFFIX:
        return None
    picture = open_image(path, None, alpha=True)
    own = 1 if picture.mode in ("L", "LA") else 3
    columns, rows = sizing.apply(picture, str(path)).size
    if takes is not None:
        for channels in dict.fromkeys((own, *MODES)):
            if takes((channels, rows, columns)):
                return channels
    return 3 if own == 3 else None


def _room(count: int, shape: tuple[int, ...], root: Path) -> np.ndarray:
    try:
        return np.empty((count, *shape), dtype=np.uint8)
    except (MemoryError, ValueError):
        raise RheobaseError(
            f"images: {root}: {count} of {_size(shape)} are more than memory holds, must be "
            "fewer or smaller ones (--calibration, --count, --resize)"
        ) from None


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def read_image(path: Path, shape: tuple[int, int, int], sizing: Sizing = AS_IT_IS) -> np.ndarray:
    """One image file as uint8, (channels, rows, columns) of ``shape`` after ``sizing``.

    Raises:
        RheobaseError: it cannot be read, or has another size.
    """
    array = path.suffix.lower() == ARRAY_SUFFIX
    if not array and shape[0] not in MODES:
        raise RheobaseError(
            f"images: {shape[0]} channels, a picture has 1 to 4 (others as {ARRAY_SUFFIX} arrays)"
        )
    image = read_pixels(path, shape[0], sizing)
    if image.ndim == 2:
        image = _as_maps(image[None], shape, None)[0]
    if image.shape != tuple(shape):
        raise RheobaseError(
            f"{path}: {_size(image.shape)}, must be {_size(shape)} (channels x rows x columns)"
        )
    return image


def matched_classes(
    images: ImageSet, shape: tuple[int, ...], trained: tuple[str, ...] = ()
) -> ImageSet:
    """``with_hollow_classes``, where ``classes_problem`` finds none.

    Raises:
        RheobaseError: it finds one.
    """
    images = with_hollow_classes(images, shape)
    problem = classes_problem(images, shape, trained)
    if problem is not None:
        raise RheobaseError(problem)
    return images


def with_hollow_classes(images: ImageSet, shape: tuple[int, ...]) -> ImageSet:
    """``images`` with empty folders as classes, where only so each score has a class.

    Whether an empty folder is a class or was left behind, the number of scores tells.

    Args:
        shape: of the network's output, see ``classes_problem``.
    """
    names = tuple(sorted((*images.classes, *images.hollow)))
    if len(images.classes) == _classes(shape) or len(names) != _classes(shape):
        return images
    labels = np.array([names.index(name) for name in images.classes])
    return replace(images, labels=labels[images.labels], classes=names, hollow=())


def _classes(shape: tuple[int, ...]) -> int:
    """Classes that a network's output tells apart; one score stands for two."""
    return max(shape[0], 2)


def classes_problem(
    images: ImageSet, shape: tuple[int, ...], trained: tuple[str, ...] = ()
) -> str | None:
    """Why labels of ``images`` do not say what a network's answers mean; None where they do.

    Labels and answers are compared by number, which is wrong for every image where there are other
    classes than scores, or the classes have other names.

    Args:
        shape: of the network's output, (scores, ...); one score stands for two classes, and maps
            of more than one place are no answers to labels.
        trained: class names that the network was calibrated with, where they are known.
    """
    scores = shape[0]
    if math.prod(shape) != scores:
        return None
    names, classes = images.class_names, _classes(shape)
    if trained and names and trained != names:
        other = sorted(set(trained) ^ set(names))
        what = f"{other[0][:80]!r} is in one alone" if other else "in another order"
        return (
            f"test images: {len(names)} classes, calibration images {len(trained)} ({what}), "
            "must be the same class names in both"
        )
    if names and len(names) != classes:
        hollow = f", and empty folders {_cut(images.hollow)}" if images.hollow else ""
        return (
            f"test images: labels of {len(names)} classes ({_cut(names)}{hollow}), the network has "
            f"{scores} scores; must be one class for each"
        )
    if images.labelled and images.labels.max() >= classes:
        return (
            f"test images: label {images.labels.max()}, the network has {scores} scores; there "
            "must be one class for each, from 0"
        )
    return None


def _cut(names: tuple[str, ...], most: int = 4) -> str:
    shown = ", ".join(name[:20] for name in names[:most])
    return shown + (", ..." if len(names) > most else "")
