"""Components with one place of their source changed, to show that a check can fail."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from types import ModuleType


def mutated(module: ModuleType, old: str, new: str) -> ModuleType:
    """``module`` once more, with the only occurrence of ``old`` in its source replaced.

    Raises:
        ValueError: ``old`` does not occur exactly once, so that the mutation is out of date.
    """
    source = inspect.getsource(module)
    if source.count(old) != 1:
        raise ValueError(f"{module.__name__}: {old!r} occurs {source.count(old)} times, not once")
    spec = importlib.util.spec_from_loader(f"{module.__name__}_mutated", loader=None)
    result = importlib.util.module_from_spec(spec)
    # Relative imports are those of the original.
    result.__package__ = module.__package__
    sys.modules[result.__name__] = result
    exec(compile(source.replace(old, new), f"<mutated {module.__name__}>", "exec"), vars(result))
    return result
