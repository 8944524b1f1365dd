"""Verilator builds, cocotb test-bench parts and the fast batch runner."""

from .batch import BatchResult, BuiltAccelerator, build_accelerator, run
from .comparison import Comparison, compare

__all__ = [
    "BatchResult",
    "BuiltAccelerator",
    "Comparison",
    "build_accelerator",
    "compare",
    "run",
]
