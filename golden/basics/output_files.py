"""Everything that is written: whole or not at all, and never in place of a device or a link."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MachineError, RheobaseError, file_error

_PROBLEM = "cannot be written"
#: Bytes that are tried before long work.
_BLOCK = 4096


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all.

    A file is written by way of a temporary one beside it. A link stays, and what it points to is
    written; a device or a FIFO is written to as it is.

    Raises:
        RheobaseError: the folder is absent or not writable, ``path`` is a folder; a
            ``MachineError`` where the disk is full or read-only.
    """
    with whole_file(path) as file:
        file.write_bytes(content)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to fill, which becomes ``path`` once the block ends without an error.

    Raises:
        RheobaseError: see ``write_whole``.
    """
    try:
        target = _target(path)
        if _is_special(target):
            with tempfile.TemporaryDirectory() as folder:
                passing = Path(folder) / "file"
                yield passing
                _write_through(target, passing.read_bytes())
        else:
            with _temporary_beside(target) as temporary:
                yield temporary
                # A temporary file is private; what was asked for has the usual permissions.
                temporary.chmod(_permissions(target))
                temporary.replace(target)
    except OSError as error:
        raise file_error(path, _PROBLEM, error) from error


def check_writable(path: Path) -> None:
    """Find out before long work whether ``write_whole`` can write ``path``; leaves nothing behind.

    Raises:
        RheobaseError: as ``write_whole`` does, as far as it can be told without the content.
    """
    try:
        target = _target(path)
        if _is_special(target):
            if not os.access(target, os.W_OK):
                raise RheobaseError(f"{path}: {_PROBLEM} (no permission)")
            return
        if not target.parent.is_dir():
            raise RheobaseError(f"{path}: no folder {target.parent} to write to")
        with _temporary_beside(target) as temporary:
            # A full disk has room for a name, and none for a block.
            temporary.write_bytes(bytes(_BLOCK))
    except OSError as error:
        raise file_error(path, _PROBLEM, error) from error


def check_folder(folder: Path) -> None:
    """Find out before long work whether ``folder`` can be made and filled; leaves nothing behind.

    Raises:
        RheobaseError: something else has its name, or nothing can be written there.
    """
    try:
        above = folder
        while not above.exists() and above != above.parent:
            above = above.parent
        with _temporary_beside(above / "file") as temporary:
            temporary.write_bytes(bytes(_BLOCK))
    except OSError as error:
        raise file_error(folder, _PROBLEM, error) from error


def make_folder(folder: Path) -> None:
    """Make ``folder``, and those above it, where it is absent.

    Raises:
        RheobaseError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(folder, _PROBLEM, error) from error


@contextmanager
def folder_beside(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder``, to be filled and put in its place; it is gone in the end.

    Raises:
        RheobaseError: it cannot be made; a ``MachineError`` where the disk is full meanwhile.
    """
    make_folder(folder.parent)
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name[:64]}-", dir=folder.parent))
    except OSError as error:
        raise file_error(folder, _PROBLEM, error) from error
    try:
        # A temporary folder is private; what was asked for has the usual permissions.
        work.chmod(0o777 & ~_mask())
        yield work
    except OSError as error:
        failure = file_error(folder, _PROBLEM, error)
        if isinstance(failure, MachineError):
            raise failure from error
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def put_in_place(work: Path, folder: Path) -> None:
    """Make the folder ``work`` be ``folder``; what stood there is removed after it.

    Raises:
        RheobaseError: a folder cannot be moved.
    """
    target = Path(os.path.realpath(folder)) if folder.is_symlink() else folder
    try:
        if not target.exists():
            work.rename(target)
            return
        with folder_beside(target) as old:
            target.rename(old / "old")
            try:
                work.rename(target)
            except OSError:
                (old / "old").rename(target)
                raise
    except OSError as error:
        raise file_error(folder, _PROBLEM, error) from error


def _target(path: Path) -> Path:
    """What is written for ``path``: a link's file, else ``path``; no folder."""
    if path.is_dir():
        raise RheobaseError(f"{path}: is a folder, must be the name of a file")
    # A link to a device or a FIFO has, like /dev/stdout, not always a path of its own.
    followed = path.is_symlink() and not _is_special(path)
    return Path(os.path.realpath(path)) if followed else path


def _is_special(path: Path) -> bool:
    """A device, a FIFO or a socket, which is never replaced."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _write_through(path: Path, content: bytes) -> None:
    # O_CREAT is absent: no file is made where the device has gone. A FIFO that nobody reads is an
    # error in place of an endless wait.
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise MachineError(f"{path}: {_PROBLEM} (nobody reads it)") from error
        raise
    os.set_blocking(handle, True)
    with open(handle, "wb") as file:
        file.write(content)


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:64]}.", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _permissions(target: Path) -> int:
    """Those of the file that is replaced, the usual ones for a new file."""
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_mask()


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
