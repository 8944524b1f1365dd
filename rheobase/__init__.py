"""rheobase: from a trained PyTorch CNN to a spiking accelerator on an FPGA.

    conversion = rheobase.convert(model, images, mean=..., std=...)
    rheobase.save_network(conversion.network, "network.safetensors")
    verilog = rheobase.generate(conversion.network)

Names are loaded when they are first used, so that ``import rheobase`` needs neither torch nor
amaranth.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "IMAGE": "golden",
    "Coding": "golden",
    "Connection": "golden",
    "Layer": "golden",
    "Network": "golden",
    "Pool": "golden",
    "PoolRule": "golden",
    "Provenance": "golden",
    "Readout": "golden",
    "RheobaseError": "golden",
    "SumPool": "golden",
    "load_network": "golden",
    "network_hash": "golden",
    "save_network": "golden",
    "simulate": "golden",
    "Conversion": "converter",
    "Method": "converter",
    "Options": "converter",
    "convert": "converter",
    "LayerFolding": "hw",
    "default_folding": "hw",
    "generate": "hw",
    "build_accelerator": "sim",
    "compare": "sim",
    "run": "sim",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'rheobase' has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
