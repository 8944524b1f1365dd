"""Files of class folders, and what of a folder counts as a class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError

#: Folders that tools leave behind and that are no class; so is every hidden one.
_LEFT_BEHIND = ("__MACOSX", "__pycache__", "@eaDir")


@dataclass(frozen=True)
class ClassFolders:
    """What class folders hold.

    Attributes:
        files: (file, label), in alphabetical order.
        classes: names of the folders that hold files, by label.
        hollow: names of the others, which are no classes unless a network has scores for them.
    """

    files: list[tuple[Path, int]]
    classes: tuple[str, ...]
    hollow: tuple[str, ...]


def folder_files(root: Path, suffixes: tuple[str, ...], limit: int | None = None) -> ClassFolders:
    """Files of ``root/CLASS/*``; hidden files and folders do not count.

    Args:
        limit: the first so many, the same share of every class.

    Raises:
        RheobaseError: ``root`` cannot be read.
    """
    found = {
        folder.name: plain_files(folder, suffixes) for folder in _visible(root) if folder.is_dir()
    }
    classes = tuple(name for name, files in found.items() if files)
    share = None if limit is None else ceil_div(limit, max(1, len(classes)))
    files = [(path, label) for label, name in enumerate(classes) for path in found[name][:share]]
    hollow = tuple(name for name in found if name not in classes)
    return ClassFolders(files[:limit], classes, hollow)


def plain_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files of ``folder`` with one of ``suffixes``, in alphabetical order."""
    return [path for path in _visible(folder) if path.suffix.lower() in suffixes]


def nested_folder(root: Path, suffixes: tuple[str, ...]) -> Path | None:
    """A folder in ``root`` that has class folders of its own, such as ``train``."""
    for folder in _visible(root):
        if folder.is_dir() and any(
            inner.is_dir() and plain_files(inner, suffixes) for inner in _visible(folder)
        ):
            return folder
    return None


def _visible(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise RheobaseError(f"images: {folder} cannot be read ({error.strerror})") from None
    return [e for e in entries if not e.name.startswith(".") and e.name not in _LEFT_BEHIND]
