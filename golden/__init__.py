"""The integer IF network, its file and its exact NumPy reference simulation."""

from .lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, __file__)
