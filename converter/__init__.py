"""From a trained torch model to the integer IF network: trace, balance, quantise, lower."""

from .balancing import Balance, Method, balance
from .conversion import Conversion, Options, convert
from .snn import FloatSnn

__all__ = ["Balance", "Conversion", "FloatSnn", "Method", "Options", "balance", "convert"]
