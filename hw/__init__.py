"""Amaranth generator of streaming integrate-and-fire accelerators (docs/hardware.md)."""

from ..golden.basics.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, __file__)
