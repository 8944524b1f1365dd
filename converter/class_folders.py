"""Files of class folders, and what of a folder counts as a class."""

from __future__ import annotations

from pathlib import Path

from ..golden.errors import RheobaseError

#: Folders that tools leave behind and that are no class; so is every hidden one.
_LEFT_BEHIND = ("__MACOSX", "__pycache__", "@eaDir")


def folder_files(
    root: Path, suffixes: tuple[str, ...], limit: int | None = None
) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """(file, label) of ``root/CLASS/*`` and the classes, both in alphabetical order.

    Hidden files and folders do not count. Nothing is found where no folder holds a file itself.

    Args:
        limit: the first so many, the same share of every class.

    Raises:
        RheobaseError: some folders hold files and others none: labels of all that follow would
            depend on whether those are classes.
    """
    folders = [entry for entry in _visible(root) if entry.is_dir()]
    found = {folder: plain_files(folder, suffixes) for folder in folders}
    hollow = [folder.name for folder, files in found.items() if not files]
    if len(hollow) == len(folders):
        return [], ()
    if hollow:
        more = f" (and {len(hollow) - 1} more)" if len(hollow) > 1 else ""
        raise RheobaseError(
            f"images: {root / hollow[0]}{more} holds none of its own, accepted is files in every "
            "class folder (labels follow from the folders; remove or hide what is no class)"
        )
    share = None if limit is None else -(-limit // max(1, len(folders)))
    files = [(path, label) for label, paths in enumerate(found.values()) for path in paths[:share]]
    return files[:limit], tuple(folder.name for folder in folders)


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
