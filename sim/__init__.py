"""Verilator builds, cocotb test-bench parts and the fast batch runner."""

from ..golden.basics.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, __file__)
