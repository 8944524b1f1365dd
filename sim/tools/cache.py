"""A folder of builds, each under the hash of everything that it was built from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from ...golden.basics.output_files import folder_beside

#: Written last into an entry: without it the entry is a leftover and is built again.
_COMPLETE = ".complete"


def cache_folder() -> Path:
    """``$RHEOBASE_CACHE``, or ``rheobase`` in the user's cache folder."""
    return Path(os.environ.get("RHEOBASE_CACHE") or user_cache_path("rheobase", appauthor=False))


def content_key(parts: Iterable[str | bytes]) -> str:
    """SHA-256 over ``parts``, their borders included."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def cached(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder of entry ``key``; ``build`` fills a new folder where there is none yet.

    Of processes that want the same thing at the same time one builds it and the others wait. The
    folder takes its place by a rename, so that an interrupted build leaves nothing.
    """
    entry = cache_folder() / kind / key
    if (entry / _COMPLETE).exists():
        return entry
    with folder_beside(entry) as folder, _locked(entry):
        if (entry / _COMPLETE).exists():
            return entry
        build(folder)
        (folder / _COMPLETE).touch()
        if entry.exists() and not (entry / _COMPLETE).exists():
            shutil.rmtree(entry, ignore_errors=True)
        try:
            folder.rename(entry)
        except OSError:
            if not (entry / _COMPLETE).exists():
                raise
    return entry


@contextmanager
def _locked(entry: Path) -> Iterator[None]:
    """While it lasts no other process builds ``entry``; it ends with the process at the latest."""
    lock = entry.with_suffix(".lock")
    with open(lock, "w") as file:
        # Folders of some networks know no locks: there each of them builds it.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
