"""From a trained torch model to the integer IF network: trace, balance, quantise, lower."""

from ..golden.basics.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, __file__)
