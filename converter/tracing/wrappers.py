"""Modules that only carry another one: what they carry is the model."""

from __future__ import annotations

from torch import nn

#: Class to the attribute that holds the module (``torch.compile`` makes an ``OptimizedModule``).
_CARRIED = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}


def unwrapped(module: nn.Module) -> nn.Module:
    """``module`` without ``DataParallel``, ``DistributedDataParallel`` and ``torch.compile``."""
    while True:
        kind = type(module)
        attribute = _CARRIED.get(kind.__name__)
        if attribute is None or kind.__module__.split(".")[0] != "torch":
            return module
        module = getattr(module, attribute)
