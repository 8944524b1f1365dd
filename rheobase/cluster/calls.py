"""What runs on a worker of the cluster: one call of a function that was sent once."""

from __future__ import annotations

import pickle
import sys
import sysconfig
import threading
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
from distributed import get_worker

from ..failures import failure_of, one_line
from ..golden.errors import MachineError, RheobaseError

#: A process makes one call at a time: traces and settings of torch are a process's, not a thread's.
_ONE = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What a call gave, or why it gave nothing."""

    value: Any = None
    failure: RheobaseError | None = None


def packed(function: Any) -> bytes:
    """``function`` with all that it holds, for ``call``.

    Modules of the user's, which workers cannot import, go along as they are.
    """
    own = [module for module in list(sys.modules.values()) if _is_users(module)]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL)
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def call(function: bytes, item: Any) -> Outcome:
    """``function`` on ``item``. A failure is an outcome too: the cluster has nothing to repeat."""
    try:
        with _ONE:
            return Outcome(_unpacked(function)(item))
    except Exception as error:
        return Outcome(failure=_failure(error))


@lru_cache(maxsize=2)
def _unpacked(function: bytes) -> Any:
    """Unpacked once for all the calls of a process: it may hold a network and its images."""
    if b"torchvision" in function:
        from ..converter.data.torchvision_shim import with_torchvision

        return with_torchvision(lambda: cloudpickle.loads(function))
    return cloudpickle.loads(function)


def _failure(error: Exception) -> RheobaseError:
    """``error`` as one that ends a command; what is no bad input names the worker."""
    if isinstance(error, RheobaseError) and not isinstance(error, MachineError):
        return error
    known = copy(failure_of(error) or MachineError(f"{type(error).__name__}: {error}"))
    known.args = (f"worker {get_worker().address}: {one_line(known)}",)
    return known


def _is_users(module: ModuleType | None) -> bool:
    """Lies in the folder that commands are called from, and is not installed."""
    file = getattr(module, "__file__", None)
    name = getattr(module, "__name__", "__main__")
    if file is None or name.partition(".")[0] in ("__main__", "rheobase"):
        return False
    path = Path(file)
    return path.is_relative_to(Path.cwd()) and not any(
        path.is_relative_to(sysconfig.get_path(kind)) for kind in ("purelib", "platlib", "stdlib")
    )
