"""The integer IF network, its file and its exact run in NumPy."""

from .basics.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, __file__)
