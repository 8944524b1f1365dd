"""A NIR file read with care: HDF5 may point to other files, and asks for memory as it likes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....golden.errors import RheobaseError, file_error, shortened, shown

if TYPE_CHECKING:
    import nir

#: Bytes of all arrays together, and groups within one another, at most.
_MAX_BYTES, _MAX_DEPTH = 2**31, 16
#: Groups and arrays of a file, at most.
_MAX_ENTRIES = 200_000


def read_nir(path: str | Path) -> nir.NIRGraph:
    """The graph in ``path``.

    Raises:
        RheobaseError: the file cannot be read, is no NIR graph, links to other files or is larger
            than a network may be; a ``MachineError`` where ``nir`` is absent.
    """
    import nir

    path = Path(path)
    _check_file(path)
    try:
        graph = nir.read(path, type_check=False)
    except Exception as error:  # whatever the file makes of nir's classes
        raise _damaged(path, error) from None
    if not isinstance(graph, nir.NIRGraph):
        raise RheobaseError(f"{path}: {type(graph).__name__}, must be a NIR graph")
    return graph


def _check_file(path: Path) -> None:
    """Raise where reading ``path`` whole would follow links or take too much memory."""
    import h5py

    try:
        path.open("rb").close()
    except OSError as error:
        raise file_error(path, "cannot be read", error) from None
    try:
        with h5py.File(path, "r") as file:
            entries, size = _measured(path, file, 0)
            if entries > _MAX_ENTRIES or size > _MAX_BYTES:
                raise RheobaseError(
                    f"{path}: {entries} entries of {size} bytes, must be at most {_MAX_ENTRIES} "
                    f"and {_MAX_BYTES}"
                )
            if "node" not in file:
                raise RheobaseError(f"{path}: no group 'node', must be a NIR graph")
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, RheobaseError):
            raise
        raise RheobaseError(
            f"{path}: not an HDF5 file, or a damaged one, must be a NIR graph"
        ) from None


def _measured(path: Path, group: Any, depth: int) -> tuple[int, int]:
    """Entries below ``group``, and the bytes of its arrays."""
    import h5py

    if depth > _MAX_DEPTH:
        raise RheobaseError(f"{path}: groups {depth} deep, must be at most {_MAX_DEPTH}")
    entries = size = 0
    for name in group:
        where = f"{path}: {shown(f'{group.name}/{name}')}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise RheobaseError(f"{where} is a link, must be in the file itself")
        entry = group[name]
        entries += 1
        if isinstance(entry, h5py.Group):
            below = _measured(path, entry, depth + 1)
            entries, size = entries + below[0], size + below[1]
        elif isinstance(entry, h5py.Dataset):
            if entry.external or entry.is_virtual:
                raise RheobaseError(f"{where} lies in another file, must be in the file itself")
            size += entry.size * entry.dtype.itemsize if entry.shape is not None else 0
        if entries > _MAX_ENTRIES or size > _MAX_BYTES:
            break
    return entries, size


def _damaged(path: Path, error: Exception) -> RheobaseError:
    import nir

    why = " ".join(str(error).split()) or f"a kind of node that nir {nir.version} does not know"
    return RheobaseError(f"{path}: no NIR graph ({shortened(why, 200)})")
