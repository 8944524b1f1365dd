"""Images as NumPy arrays in ``.npy`` and ``.npz`` files; nothing is ever unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...golden.errors import RheobaseError

#: Suffix of one array, and of several.
ARRAY_SUFFIX, ARCHIVE_SUFFIX = ".npy", ".npz"
#: Names of images and labels in an archive, in the order in which they are looked for; PART is
#: ``train`` or ``test``.
_NAMES = (
    ("x", "y"),
    ("images", "labels"),
    ("x_PART", "y_PART"),
    ("PART_images", "PART_labels"),
)
#: Name of the class names in an archive.
_CLASSES = "classes"


def read_array(path: Path) -> np.ndarray:
    """The uint8 array of a ``.npy`` file, left on disk until it is read.

    Raises:
        RheobaseError: it cannot be read, or holds something else.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever parsing it does
        raise _unreadable(path, error) from None
    return checked_pixels(array, str(path))


def checked_pixels(array: np.ndarray, name: str) -> np.ndarray:
    """``array`` where it holds pixels.

    Raises:
        RheobaseError: another type than uint8.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise RheobaseError(f"{name}: {kind}, must be uint8, pixels of 0..255")
    return array


def read_arrays(path: Path, train: bool) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images, labels (-1 where there are none) and class names of a ``.npy`` or ``.npz`` file.

    An archive holds ``x`` and, for labels, ``y`` (or ``images`` and ``labels``; ``x_train``,
    ``y_train``, ``x_test``, ``y_test``; ``train_images``, ...) and, for their names, ``classes``.

    Args:
        train: the training part of an archive that has two.

    Returns:
        uint8 (images, ...), int64 (images,), and the names, none where nothing names them.

    Raises:
        RheobaseError: it cannot be read, or holds something else.
    """
    if path.suffix.lower() == ARRAY_SUFFIX:
        images = read_array(path)
        return images, np.full(len(images) if images.ndim else 0, -1), ()
    part = "train" if train else "test"
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = [tuple(n.replace("PART", part) for n in pair) for pair in _NAMES]
            found = next((pair for pair in names if pair[0] in archive.files), None)
            if found is None:
                listed = ", ".join(archive.files)[:80]
                raise RheobaseError(
                    f"{path}: holds {listed or 'nothing'}, must be images as x, images, "
                    f"x_{part} or {part}_images (labels as y, labels, ...)"
                )
            images = checked_pixels(archive[found[0]], f"{path}: {found[0]}")
            labels = archive[found[1]] if found[1] in archive.files else None
            classes = archive[_CLASSES] if _CLASSES in archive.files else np.array([], dtype=str)
    except RheobaseError:
        raise
    except Exception as error:  # a damaged archive raises whatever unpacking it does
        raise _unreadable(path, error) from None
    count = len(images) if images.ndim else 0
    truth = np.full(count, -1) if labels is None else _labels(labels, count, path, found[1])
    named = tuple(str(name)[:80] for name in classes.ravel())
    if named and truth.size and truth.max() >= len(named):
        raise RheobaseError(
            f"{path}: label {truth.max()}, must be 0..{len(named) - 1}, as {_CLASSES} has "
            f"{len(named)} names"
        )
    return images, truth, named


def _labels(labels: np.ndarray, count: int, path: Path, name: str) -> np.ndarray:
    whole = np.issubdtype(labels.dtype, np.integer)
    if not whole or labels.shape[:1] != (count,) or labels.size != count or (labels < 0).any():
        raise RheobaseError(
            f"{path}: {name}: {labels.dtype} {labels.shape}, must be {count} integers of 0 or "
            "more, one label for each image"
        )
    return labels.reshape(count).astype(np.int64)


def _unreadable(path: Path, error: Exception) -> RheobaseError:
    lines = str(error).splitlines()
    return RheobaseError(
        f"{path}: cannot be read as an array ({lines[0][:80] if lines else type(error).__name__})"
    )
