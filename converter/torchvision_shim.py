"""Imports torchvision where its compiled operators do not load.

A torchvision built for another flavour of torch (CUDA beside CPU) fails at import, because it
registers shape rules for operators that were never defined. Its data sets need none of them, so
their names are defined here, without an implementation, before the import is tried again.
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType

import torch

from ..golden.errors import RheobaseError

#: More missing operators than torchvision has: then it is something else.
_MOST_OPERATORS = 32


def import_torchvision(module: str = "torchvision.datasets") -> ModuleType:
    """``module`` of torchvision.

    Raises:
        RheobaseError: torchvision is absent or does not import.
    """
    libraries: list[torch.library.Library] = []
    for _ in range(_MOST_OPERATORS):
        try:
            return importlib.import_module(module)
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise RheobaseError(f"torchvision: cannot be imported ({error})") from error
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{missing[1]}() -> ()")
            libraries.append(library)
            _KEPT.extend(libraries)
        except ImportError as error:
            raise RheobaseError(f"torchvision: cannot be imported ({error})") from error
    raise RheobaseError("torchvision: cannot be imported (operators missing)")


#: A library that is collected takes its definitions with it.
_KEPT: list[torch.library.Library] = []
