"""What a network may ask for: the size of its maps, the work of an image, and memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable

from ..errors import MachineError, RheobaseError

#: Values of one map, padding included. A map of 64 channels may have 724 x 724 positions.
MAX_MAP = 2**25
#: Positions of one window of pooling (``pool`` or ``sum_pool``).
MAX_WINDOW = 2**20
#: Multiplications of an image, at one step, of all layers. A value that a pooling window looks at
#: takes about as long as so many:
MAX_WORK, POOLED_WORK = 2**40, 2**8


def check_map(where: str, what: str, extents: Iterable[int]) -> None:
    """Raise ``RheobaseError`` where a map of ``extents`` has more than ``MAX_MAP`` values."""
    extents = tuple(extents)
    if math.prod(extents) > MAX_MAP:
        size = " x ".join(map(str, extents))
        raise RheobaseError(f"{where}: {what} is {size}, must be at most {MAX_MAP} values")


def check_window(where: str, what: str, kernel: tuple[int, int]) -> None:
    """Raise ``RheobaseError`` where a window has more than ``MAX_WINDOW`` positions."""
    if math.prod(kernel) > MAX_WINDOW:
        raise RheobaseError(
            f"{where}: {what} kernel is {kernel[0]} x {kernel[1]}, must be at most "
            f"{MAX_WINDOW} positions"
        )


def check_work(work: int) -> None:
    """Raise ``RheobaseError`` where an image takes more than ``MAX_WORK``."""
    if work > MAX_WORK:
        raise RheobaseError(
            f"network: an image takes some {work:.3g} multiplications at a step, must be at "
            f"most {MAX_WORK:.3g}"
        )


def check_memory(what: str, needed: int) -> None:
    """Raise ``MachineError`` where ``needed`` bytes are more than this process can have."""
    most = _memory()
    if needed > most:
        raise MachineError(
            f"memory: {what} takes {needed / 2**30:.3g} GiB, this machine has {most / 2**30:.3g}"
        )


def _memory() -> int:
    """Bytes of the machine, or of the process's own limit where that is less."""
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        import resource
    except ImportError:  # not on every system
        return most
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return most if limit == resource.RLIM_INFINITY else min(most, limit)
