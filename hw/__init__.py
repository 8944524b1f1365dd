"""Amaranth generator of streaming integrate-and-fire accelerators (DESIGN section 2)."""

from .accelerator import Accelerator
from .default_folding import default_folding
from .folding import Folding, LayerFolding
from .verilog import generate

__all__ = ["Accelerator", "Folding", "LayerFolding", "default_folding", "generate"]
